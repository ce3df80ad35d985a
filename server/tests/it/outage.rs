//! P3: the database goes away; readings go on being judged and shown, and nothing is lost.

use std::time::{Duration, Instant};

use store::testing::Person;
use vitals::{Clock, Realm};

use super::mqtt::Device;
use super::vigil::{PATIENCE, Site};

const OUTAGE: Duration = Duration::from_secs(30);
const BEDS: usize = 12;

/// One bed at 1 Hz, whose oxygen falls in the middle of the outage where `falls`. Answers (sent, acknowledged).
async fn one_bed(mut device: Device, falls: bool, seconds: u64) -> (usize, usize) {
    let begin = Instant::now();
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    let mut sent = 0;
    while begin.elapsed() < Duration::from_secs(seconds) {
        beat.tick().await;
        let spo2 = if falls && begin.elapsed() > Duration::from_secs(12) { 70 } else { 97 };
        let at = Clock::system().now();
        device
            .send(&format!(r#"{{"t":"{at}","seq":{sent},"spo2":{spo2},"hr":75}}"#))
            .await
            .expect("nobody is disconnected");
        sent += 1;
    }
    let mut acknowledged = 0;
    while device.unacknowledged() > 0 {
        device.acknowledged().await.expect("nobody is disconnected");
        acknowledged += 1;
    }
    (sent, acknowledged)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_outage_of_thirty_seconds_mutes_nobody_and_loses_nothing() {
    let home = tempfile::tempdir().unwrap();
    let options =
        localdb::Options { state_dir: home.path().join("db"), cache_dir: None, purpose: localdb::Purpose::Serve };
    let cluster = localdb::start(&options, &|_| ()).unwrap();
    let site = Site::at(&cluster);
    let ids: Vec<_> = (0..BEDS).map(|number| format!("bed-{number:02}")).collect();
    let secrets: Vec<_> = ids.iter().map(|id| site.enrol(id, &[])).collect();
    let vigil = site.start();
    let superuser = store::connect(&cluster.superuser_url(), "test").await.unwrap();
    let nurse = Person::in_realm(&superuser, Realm::Demo, "nurse", Clock::system().now()).await.unwrap();
    // Before: who is there is asked of the database.
    let before = super::screen::Screen::open(vigil.portal, &nurse).await;
    let mut beds = Vec::new();
    for (number, (id, secret)) in ids.iter().zip(&secrets).enumerate() {
        let device = Device::connect(vigil.mqtt, id, secret).await;
        beds.push(tokio::spawn(one_bed(device, number == 3, 40)));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    let begin = Instant::now();
    tokio::task::spawn_blocking({
        let options = options.clone();
        move || localdb::stop(&options).unwrap()
    })
    .await
    .unwrap();
    let gone_at = Clock::system().now();
    // Its link breaks while nobody can be asked, and it comes back.
    drop(before);
    let mut screen = super::screen::Screen::open(vigil.portal, &nurse).await;
    screen.number("bed-00", gone_at).await;
    screen.alarm("", "database_away").await;
    let desaturation = screen.alarm("bed-03", "spo2_desat").await;
    let shown_at = Clock::system().now();
    screen.number("bed-00", shown_at).await;
    assert!(begin.elapsed() < OUTAGE, "numbers and alarms came after the outage: {desaturation:?}");
    // What is left of the outage: its length is the point.
    screen.looks_for(OUTAGE.saturating_sub(begin.elapsed())).await;
    tokio::task::spawn_blocking({
        let options = options.clone();
        move || localdb::start(&options, &|_| ()).unwrap()
    })
    .await
    .unwrap();
    let (mut sent, mut acknowledged) = (0, 0);
    for bed in beds {
        let (one_sent, one_acknowledged) =
            tokio::time::timeout(PATIENCE, bed).await.expect("acknowledged in time").unwrap();
        sent += one_sent;
        acknowledged += one_acknowledged;
    }
    assert_eq!(sent, acknowledged);
    screen.cleared("", "database_away").await;
    assert!(!screen.seen().iter().any(|(_, code)| code == "no_data"), "{:?}", screen.seen());
    let stored = site.run(&["check", "--counts"]);
    assert!(stored.contains(&format!("vitals={sent} ")), "{sent} sent: {stored}");
    assert_eq!(vigil.stop(), Some(0));
    localdb::remove(&options).unwrap();
}
