//! Who is missed, and who is not because we hold it (P3, P4).

use store::testing::database;
use vitals::Clock;

use super::mqtt::Device;
use super::screen::Screen;
use super::vigil::{Site, Vigil, count, eventually};

async fn active(vigil: &Vigil) -> Vec<(String, String)> {
    let page = vigil.get("/api/alarms?state=active&limit=200").await;
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    page["alarms"].as_array().unwrap().iter().map(|alarm| (text(&alarm["device"]), text(&alarm["code"]))).collect()
}

#[tokio::test]
async fn a_bed_that_falls_silent_and_one_that_never_spoke_sense_are_missed_on_a_screen() {
    let db = database().await;
    let site = Site::of(&db).await;
    let (secret, other) = (site.enrol("bed-1", &[]), site.enrol("bed-2", &[]));
    site.enrol("bed-3", &[]);
    let gateway = site.enrol("gateway-1", &["--gateway"]);
    let vigil = site.start();
    let mut screen = Screen::open(vigil.portal, site.nurse()).await;
    let _gateway = Device::connect(vigil.mqtt, "gateway-1", &gateway).await;
    let mut silent = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    silent.stores(&format!(r#"{{"t":"{}","hr":75}}"#, Clock::system().now())).await;
    let mut senseless = Device::connect(vigil.mqtt, "bed-2", &other).await;
    let speaks = async {
        let mut beat = tokio::time::interval(std::time::Duration::from_secs(1));
        loop {
            beat.tick().await;
            senseless.stores("{").await;
        }
    };
    let missed = async {
        screen.alarm("bed-1", "no_data").await;
        screen.alarm("bed-2", "no_data").await;
    };
    tokio::select! { () = speaks => {}, () = missed => {} }
    let [first, second] = screen.seen() else { panic!("two are missed: {:?}", screen.seen()) };
    assert_ne!(first, second);
    // A frame ends the one, and leaving the other: it was never there.
    silent.stores(&format!(r#"{{"t":"{}","hr":75}}"#, Clock::system().now())).await;
    drop(senseless);
    eventually("both alarms ended", async || active(&vigil).await.is_empty()).await;
}

#[tokio::test]
async fn one_alarm_stands_for_all_devices_that_we_hold_and_none_of_them_is_silent() {
    const BEDS: usize = 3;
    const FRAMES: usize = 9;
    let db = database().await;
    let site = Site::of(&db).await;
    let ids: Vec<_> = (0..BEDS).map(|number| format!("bed-{number}")).collect();
    let secrets: Vec<_> = ids.iter().map(|id| site.enrol(id, &[])).collect();
    let vigil = site.start_with("[ingest]\nwindow = 4\n");
    let mut screen = Screen::open(vigil.portal, site.nurse()).await;
    let mut client = db.pool().get().await.unwrap();
    let lock = client.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE vitals").await.unwrap();
    let mut beds = Vec::new();
    for (id, secret) in ids.iter().zip(&secrets) {
        let mut bed = Device::connect(vigil.mqtt, id, secret).await;
        let start = Clock::system().now();
        for number in 0..FRAMES as i64 {
            bed.send(&format!(r#"{{"t":"{}","hr":75}}"#, start.plus_millis(number))).await.unwrap();
        }
        beds.push(bed);
    }
    screen.alarm("", "devices_held").await;
    // It comes after the statement timeout, which is longer than a bedside device may be silent.
    screen.alarm("", "database_away").await;
    let [first, second] = screen.seen() else { panic!("only the system speaks: {:?}", screen.seen()) };
    assert!(first.0.is_empty() && second.0.is_empty(), "{:?}", screen.seen());
    lock.commit().await.unwrap();
    for bed in &mut beds {
        while bed.unacknowledged() > 0 {
            bed.acknowledged().await.unwrap();
        }
    }
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, (BEDS * FRAMES) as i64);
    eventually("the alarms of the system ended", async || {
        active(&vigil).await.iter().all(|(device, _)| !device.is_empty())
    })
    .await;
}
