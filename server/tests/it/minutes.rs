//! The roll-up is true, whatever comes while it runs (design §4.2).

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use store::testing::{TestDatabase, database};
use vitals::{Clock, Timestamp};

use super::mqtt::Device;
use super::vigil::{Site, Vigil, count, eventually};

const MINUTES: i64 = 60;

/// Frames of each minute, the first of them half a second after its start.
const FRAMES: i64 = 20;

/// Frame `number` of minute `minute`: in every tenth the sensor is off, and its value counts nowhere.
fn frame(start: Timestamp, minute: i64, number: i64) -> String {
    let at = start.plus_millis(minute * 60_000 + number * 3_000 + 500);
    let (hr, spo2) = values(minute, number);
    let off = if spo2.is_none() { r#","q":{"spo2":"lead_off"}"# } else { "" };
    format!(r#"{{"t":"{at}","hist":true,"hr":{hr},"spo2":{}{off}}}"#, spo2.unwrap_or(1))
}

fn values(minute: i64, number: i64) -> (i64, Option<i64>) {
    let off = (minute + number) % 10 == 0;
    (60 + (minute * 7 + number * 3) % 90, (!off).then_some(90 + (minute + number) % 9))
}

/// Sends these frames of every minute, a minute after the other, over several rounds of the roll-up.
async fn send(bed: &mut Device, start: Timestamp, numbers: impl Iterator<Item = i64>, pause: Duration) {
    for number in numbers {
        bed.stores_all((0..MINUTES).map(|minute| frame(start, minute, number)), 32).await;
        // The pace of the device: the roll-up looks every five seconds.
        tokio::time::sleep(pause).await;
    }
}

async fn rolled_up(db: &TestDatabase) {
    eventually("a roll-up without a mark left", async || count(db, "SELECT count(*) FROM vitals_dirty").await == 0)
        .await;
    let differing = "SELECT count(*) FROM (
            SELECT device_key, date_bin('1 minute', at, 'epoch') AS minute, count(hr) AS n, min(hr) AS low,
                max(hr) AS high, avg(hr)::real AS mean, last(hr, at) AS newest,
                nullif(count(spo2) FILTER (WHERE q IS NULL), 0) AS spo2_count, min(spo2) FILTER (WHERE q IS NULL) AS spo2_low
            FROM vitals GROUP BY 1, 2
        ) frames FULL JOIN vitals_minute USING (device_key, minute)
        WHERE (n, low, high, mean, newest, spo2_count, spo2_low)
            IS DISTINCT FROM (hr_n::int8, hr_min, hr_max, hr_mean, hr_last, spo2_n::int8, spo2_min)";
    assert_eq!(count(db, differing).await, 0, "minutes that differ from their frames");
    assert_eq!(count(db, "SELECT count(*) FROM vitals_minute").await, MINUTES);
}

/// The chart of a step of a minute says what was sent.
async fn charted(vigil: &Vigil, start: Timestamp, numbers: &[i64]) {
    let end = start.plus_millis(MINUTES * 60_000);
    let chart = vigil.get(&format!("/api/vitals?device=bed-1&from={start}&to={end}&step=60")).await;
    let series: BTreeMap<_, _> = chart["series"]
        .as_array()
        .unwrap()
        .iter()
        .map(|series| (series["parameter"].as_str().unwrap(), series))
        .collect();
    for minute in 0..MINUTES {
        let sent: Vec<_> = numbers.iter().map(|number| values(minute, *number)).collect();
        let hr: Vec<_> = sent.iter().map(|(hr, _)| *hr).collect();
        let spo2: Vec<_> = sent.iter().filter_map(|(_, spo2)| *spo2).collect();
        for (parameter, sent) in [("hr", hr), ("spo2", spo2)] {
            let of = |what: &str| &series[parameter][what][minute as usize];
            assert_eq!(*of("count"), Value::from(sent.len()), "{parameter} in minute {minute}");
            let (low, high) = (sent.iter().min().unwrap(), sent.iter().max().unwrap());
            assert_eq!((of("min").as_f64(), of("max").as_f64()), (Some(*low as f64), Some(*high as f64)));
            let mean = sent.iter().sum::<i64>() as f64 / sent.len() as f64;
            assert!((of("mean").as_f64().unwrap() - mean).abs() < 1e-3, "{parameter} in minute {minute}");
        }
    }
}

struct Hour {
    db: TestDatabase,
    _site: Site,
    vigil: Vigil,
    bed: Device,
    start: Timestamp,
}

/// A bed that was enrolled two days ago, and an hour whose minutes are closed.
async fn hour() -> Hour {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let client = db.pool().get().await.unwrap();
    client.execute("UPDATE devices SET enrolled_at = now() - interval '2 days'", &[]).await.unwrap();
    let vigil = site.start();
    let bed = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    let start = Clock::system().now().plus_millis(-(MINUTES + 5) * 60_000).minute();
    Hour { db, _site: site, vigil, bed, start }
}

#[tokio::test]
async fn a_frame_hides_behind_no_mark_that_the_roll_up_is_about_to_take() {
    let Hour { db, _site, vigil, mut bed, start } = hour().await;
    send(&mut bed, start, 0..1, Duration::ZERO).await;
    let mut other = db.pool().get().await.unwrap();
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE vitals_minute").await.unwrap();
    send(&mut bed, start, 1..2, Duration::ZERO).await;
    eventually("a roll-up that waits", async || {
        count(&db, "SELECT count(*) FROM pg_locks WHERE relation = 'vitals_minute'::regclass AND NOT granted").await > 0
    })
    .await;
    send(&mut bed, start, 2..3, Duration::ZERO).await;
    lock.commit().await.unwrap();
    eventually("the marks are taken", async || count(&db, "SELECT count(*) FROM vitals_dirty").await == 0).await;
    send(&mut bed, start, 3..4, Duration::ZERO).await;
    rolled_up(&db).await;
    charted(&vigil, start, &[0, 1, 2, 3]).await;
}

#[tokio::test]
async fn every_minute_says_what_its_frames_say_while_a_backlog_comes_in_and_after_it() {
    let Hour { db, _site, vigil, mut bed, start } = hour().await;
    let even: Vec<_> = (0..FRAMES).step_by(2).collect();
    let all: Vec<_> = (0..FRAMES).collect();

    send(&mut bed, start, even.iter().copied(), Duration::from_millis(800)).await;
    charted(&vigil, start, &even).await;
    rolled_up(&db).await;
    charted(&vigil, start, &even).await;

    // The same minutes again, and charts while the roll-up is kept from taking the marks.
    send(&mut bed, start, (1..FRAMES).step_by(2), Duration::ZERO).await;
    let mut other = db.pool().get().await.unwrap();
    let lock = other.transaction().await.unwrap();
    let marks = lock.query("SELECT FROM vitals_dirty FOR UPDATE", &[]).await.unwrap().len();
    charted(&vigil, start, &all).await;
    lock.commit().await.unwrap();
    assert!(marks > 0, "the roll-up was faster than this test");
    rolled_up(&db).await;
    charted(&vigil, start, &all).await;
}
