//! What becomes of a frame, good or bad (P2, P6, P10).

use store::testing::{TestDatabase, database};
use vitals::{Clock, Timestamp};

use super::mqtt::Device;
use super::vigil::{Site, Vigil, count};

struct Bed {
    db: TestDatabase,
    _site: Site,
    vigil: Vigil,
    device: Device,
}

/// A device that was enrolled two days ago.
async fn bed(options: &[&str]) -> Bed {
    bed_since(2, options).await
}

async fn bed_since(days: i32, options: &[&str]) -> Bed {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", options);
    let client = db.pool().get().await.unwrap();
    client.execute("UPDATE devices SET enrolled_at = now() - make_interval(days => $1)", &[&days]).await.unwrap();
    let vigil = site.start();
    let device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    Bed { db, _site: site, vigil, device }
}

/// (reason, detail, count) of everything in quarantine.
pub async fn quarantined(db: &TestDatabase) -> Vec<(String, String, i64)> {
    let client = db.pool().get().await.unwrap();
    let rows = client.query("SELECT reason, detail, count FROM quarantine ORDER BY id", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

impl Bed {
    async fn quarantine(&self) -> Vec<(String, String, i64)> {
        quarantined(&self.db).await
    }

    async fn reasons(&self) -> Vec<String> {
        self.quarantine().await.into_iter().map(|(reason, ..)| reason).collect()
    }

    /// The stored values of hr and rr.
    async fn stored(&self) -> Vec<(Option<f32>, Option<f32>)> {
        let client = self.db.pool().get().await.unwrap();
        let rows = client.query("SELECT hr, rr FROM vitals ORDER BY at", &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

fn now() -> Timestamp {
    Clock::system().now()
}

#[tokio::test]
async fn a_value_outside_its_hard_range_is_refused_and_the_rest_is_stored() {
    let mut bed = bed(&[]).await;
    bed.device.stores(&format!(r#"{{"t":"{}","hr":391,"rr":14}}"#, now())).await;
    assert_eq!(bed.stored().await, [(None, Some(14.0))]);
    assert_eq!(bed.quarantine().await, [("hard_range".to_owned(), "hr is outside 0 to 390".to_owned(), 1)]);
}

#[tokio::test]
async fn an_implausible_value_is_stored_marked_and_never_judged() {
    let mut bed = bed(&[]).await;
    // Heart rate 12 would cross every lower limit at once.
    for second in 0..3 {
        let at = now().plus_millis(second * 10_000 - 10_000);
        bed.device.stores(&format!(r#"{{"t":"{at}","hr":12,"rr":14}}"#)).await;
    }
    let client = bed.db.pool().get().await.unwrap();
    let row = client
        .query_one("SELECT count(*), min(q ->> 'hr') FROM vitals WHERE hr = 12 AND flags & 16 = 16", &[])
        .await
        .unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, Option<String>>(1).as_deref()), (3, Some("implausible")));
    assert!(bed.vigil.alarms().await.is_empty());
}

#[tokio::test]
async fn malformed_payloads_are_kept_counted_and_acknowledged() {
    let mut bed = bed(&[]).await;
    for payload in ["", "{", "\u{0}", "[1,2]", "{", "{"] {
        bed.device.stores(payload).await;
    }
    let quarantine = bed.quarantine().await;
    assert_eq!(
        quarantine.iter().map(|(reason, _, count)| (reason.as_str(), *count)).collect::<Vec<_>>(),
        [("malformed", 1), ("malformed", 3), ("malformed", 1), ("malformed", 1)]
    );
    assert_eq!(count(&bed.db, "SELECT count(*) FROM vitals").await, 0);
}

#[tokio::test]
async fn unknown_keys_become_narrow_readings() {
    let mut bed = bed(&[]).await;
    bed.device.stores(&format!(r#"{{"t":"{}","hr":70,"cvp":8.5,"unit":{{"cvp":"mm[Hg]"}}}}"#, now())).await;
    let client = bed.db.pool().get().await.unwrap();
    let row = client.query_one("SELECT code, value, unit FROM readings_other", &[]).await.unwrap();
    assert_eq!((row.get(0), row.get(1), row.get(2)), ("cvp", 8.5, Some("mm[Hg]")));
}

#[tokio::test]
async fn the_same_key_twice_fills_gaps_and_a_differing_value_is_a_conflict() {
    for in_one_message in [true, false] {
        let mut bed = bed(&[]).await;
        let at = now();
        let frames = [
            format!(r#"{{"t":"{at}","hr":70}}"#),
            format!(r#"{{"t":"{at}","hr":70,"rr":14}}"#),
            format!(r#"{{"t":"{at}","hr":71,"rr":14}}"#),
        ];
        if in_one_message {
            bed.device.stores(&format!("[{}]", frames.join(","))).await;
        } else {
            for frame in frames {
                bed.device.stores(&frame).await;
            }
        }
        assert_eq!(bed.stored().await, [(Some(70.0), Some(14.0))], "in one message: {in_one_message}");
        assert_eq!(bed.reasons().await, ["conflict"], "in one message: {in_one_message}");
    }
}

#[tokio::test]
async fn a_frame_without_a_time_stands_alone_or_not_at_all() {
    let mut bed = bed(&[]).await;
    bed.device.stores(r#"{"hr":70}"#).await;
    bed.device.stores(&format!(r#"[{{"hr":71}},{{"t":"{}","hr":72}}]"#, now())).await;
    assert_eq!(bed.stored().await, [(Some(70.0), None), (Some(72.0), None)]);
    assert_eq!(bed.reasons().await, ["no_time"]);
}

#[tokio::test]
async fn a_poisoned_row_never_takes_its_neighbours_along() {
    let mut bed = bed(&[]).await;
    let client = bed.db.pool().get().await.unwrap();
    client.batch_execute("ALTER TABLE vitals ADD CONSTRAINT poison CHECK (hr <> 66)").await.unwrap();
    let start = now();
    let frame = |number: i64| {
        let hr = if number == 37 { 66 } else { 70 };
        format!(r#"{{"t":"{}","hr":{hr},"rr":14}}"#, start.plus_millis(number))
    };
    let message = format!("[{}]", (0..50).map(frame).collect::<Vec<_>>().join(","));
    bed.device.stores(&message).await;
    bed.device.stores_all((50..100).map(frame), 32).await;
    assert_eq!(count(&bed.db, "SELECT count(*) FROM vitals").await, 99);
    assert_eq!(bed.reasons().await, ["refused"]);
}

#[tokio::test]
async fn a_shuffled_hour_gives_the_table_of_the_ordered_one() {
    let mut tables = Vec::new();
    for shuffled in [false, true] {
        let mut bed = bed(&[]).await;
        let start = Timestamp::from_millis(now().millis() / 1_000 * 1_000 - 3_700_000);
        let mut frames: Vec<_> = (0..3_600)
            .map(|second: i64| {
                format!(r#"{{"t":"{}","hr":{},"spo2":70}}"#, start.plus_millis(second * 1_000), 60 + second % 30)
            })
            .collect();
        if shuffled {
            // A fixed permutation: 1,013 is prime to 3,600.
            frames = (0..frames.len()).map(|index| frames[index * 1_013 % 3_600].clone()).collect();
        }
        bed.device.stores_all(frames, 32).await;
        let client = bed.db.pool().get().await.unwrap();
        let sql = "SELECT (extract(epoch FROM at - (SELECT min(at) FROM vitals)))::int8, hr, spo2, rr IS NULL FROM vitals ORDER BY at";
        let rows: Vec<(i64, f32, f32, bool)> = client
            .query(sql, &[])
            .await
            .unwrap()
            .iter()
            .map(|row| (row.get(0), row.get(1), row.get(2), row.get(3)))
            .collect();
        assert_eq!(rows.len(), 3_600);
        let alarms = bed.vigil.alarms().await;
        assert!(!alarms.iter().any(|(_, code)| code.starts_with("spo2")), "history never pages: {alarms:?}");
        tables.push(rows);
    }
    assert_eq!(tables[0], tables[1]);
}

#[tokio::test]
async fn history_is_stored_and_charted_and_never_pages() {
    let mut bed = bed(&[]).await;
    let start = now().plus_millis(-3_600_000);
    let frames =
        (0..600).map(|second| format!(r#"{{"t":"{}","hist":true,"spo2":70}}"#, start.plus_millis(second * 1_000)));
    bed.device.stores_all(frames, 32).await;
    // What the device calls back-fill is history, however fresh its time.
    for _ in 0..3 {
        bed.device.stores(&format!(r#"{{"t":"{}","hist":true,"spo2":70}}"#, now())).await;
    }
    assert!(bed.vigil.alarms().await.iter().all(|(_, code)| !code.starts_with("spo2")));
    let path = format!("/api/vitals?device=bed-1&from={start}&to={}&step=60", start.plus_millis(600_000));
    let chart = bed.vigil.get(&path).await;
    let series =
        chart["series"].as_array().unwrap().iter().find(|series| series["parameter"] == "spo2").expect("a series");
    assert!(series["mean"].as_array().unwrap().iter().any(|mean| mean == 70.0), "{chart}");
}

#[tokio::test]
async fn what_is_too_old_is_kept_aside_and_makes_no_chunk() {
    // The roll-up makes its own when it runs.
    const CHUNKS: &str =
        "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name IN ('vitals', 'readings_other')";
    // Before the enrolment, and beyond the horizon of 400 days.
    for (enrolled_days_ago, too_old_ms, old_ms) in
        [(2, 49 * 3_600_000, 47 * 3_600_000), (500, 401 * 86_400_000, 399 * 86_400_000)]
    {
        let mut bed = bed_since(enrolled_days_ago, &[]).await;
        let frame = |ago_ms: i64| format!(r#"{{"t":"{}","hist":true,"hr":72,"cvp":8}}"#, now().plus_millis(-ago_ms));
        bed.device.stores(&frame(too_old_ms)).await;
        assert_eq!(bed.reasons().await, ["too_old"]);
        assert_eq!(count(&bed.db, CHUNKS).await, 0);
        bed.device.stores(&frame(old_ms)).await;
        assert_eq!(count(&bed.db, CHUNKS).await, 2, "one of each");
        assert_eq!(bed.stored().await, [(Some(72.0), None)]);
    }
}
