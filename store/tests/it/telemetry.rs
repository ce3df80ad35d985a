//! What the merge makes of rows that are there already, and of rows that the database refuses.

use std::sync::atomic::{AtomicUsize, Ordering};

use store::telemetry::{Batch, Conflict, Connection};
use store::testing::{TestDatabase, database};
use vitals::{DeviceKey, Flags, Frame, OtherReading, Parameter, Quarantined, Reason, Timestamp, Validity};

use crate::charts::frame;

const START: Timestamp = Timestamp::from_millis(1_790_002_800_000);

struct Table {
    db: TestDatabase,
    writer: Connection,
    /// Devices with conflicts so far: each makes an entry of its own.
    named: AtomicUsize,
}

impl Table {
    async fn new() -> Self {
        let db = database().await;
        let writer = Connection::open(&db.pool(), "test").await.unwrap();
        Self { db, writer, named: AtomicUsize::new(0) }
    }

    async fn store(&mut self, frames: &[Frame], others: &[OtherReading]) -> Result<u64, store::Error> {
        self.store_with(frames, others, &[]).await
    }

    async fn store_with(
        &mut self,
        frames: &[Frame],
        others: &[OtherReading],
        quarantined: &[Quarantined],
    ) -> Result<u64, store::Error> {
        let named = &self.named;
        let conflict = |device, what: Conflict<'_>| {
            let detail = match what {
                Conflict::Frames(frames) => {
                    frames.iter().map(|frame| frame.at.millis_since(START).to_string()).collect::<Vec<_>>().join(" ")
                }
                Conflict::Others(others) => {
                    others.iter().map(|other| other.code.as_str()).collect::<Vec<_>>().join(" ")
                }
            };
            let mut digest = [0; 32];
            digest[0] = named.fetch_add(1, Ordering::Relaxed) as u8;
            let (topic, payload) = (String::new(), Vec::new());
            vec![Quarantined { device, topic, reason: Reason::Conflict, detail, payload, digest, received_at: START }]
        };
        let batch = Batch {
            fresh: &[],
            merge: &frames.iter().collect::<Vec<_>>(),
            dirty: &[],
            others,
            quarantined,
            statuses: &[],
            seal: &|entry| entry.payload.clone(),
            conflict: &conflict,
        };
        self.writer.store(&batch).await
    }

    async fn text(&self, sql: &str) -> Vec<Option<String>> {
        let client = self.db.pool().get().await.unwrap();
        client.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
    }

    /// The marks of the one row, as JSON.
    async fn marks(&self) -> Option<String> {
        let [marks] = &self.text("SELECT q::text FROM vitals").await[..] else { panic!("one row") };
        marks.clone()
    }

    async fn quarantined(&self) -> Vec<Option<String>> {
        self.text("SELECT reason || ' ' || detail FROM quarantine ORDER BY id").await
    }
}

fn marked(values: &[(Parameter, f32)], marks: &[(Parameter, Validity)]) -> Frame {
    Frame { marks: marks.to_vec(), ..frame(START, values) }
}

fn other(code: &str, value: f64) -> OtherReading {
    OtherReading { device: DeviceKey(1), code: code.to_owned(), at: START, value, unit: None }
}

#[tokio::test]
async fn a_mark_that_comes_later_is_never_put_onto_a_value_that_stood_without() {
    let mut table = Table::new().await;
    table.store(&[marked(&[(Parameter::Hr, 70.0)], &[])], &[]).await.unwrap();
    let again = marked(&[(Parameter::Hr, 70.0)], &[(Parameter::Hr, Validity::Artifact)]);
    assert_eq!(table.store(std::slice::from_ref(&again), &[]).await.unwrap(), 0);
    assert_eq!(table.marks().await, None);
    // Nor does it stand in the way of what the same frame fills.
    let more = Frame { flags: again.flags.with(Flags::VALUE_FLAGGED), ..again };
    let mut more = Frame { marks: [&more.marks[..], &[(Parameter::Rr, Validity::Questionable)]].concat(), ..more };
    more.values.set(Parameter::Rr, 14.0);
    table.store(&[more], &[]).await.unwrap();
    assert_eq!(table.marks().await.as_deref(), Some(r#"{"rr": "questionable"}"#));
    assert_eq!(
        table.text("SELECT hr::text || ' ' || rr || ' ' || (flags & 16) FROM vitals").await,
        [Some("70 14 16".to_owned())]
    );
}

#[tokio::test]
async fn a_mark_for_a_value_that_neither_frame_has_is_kept() {
    let mut table = Table::new().await;
    table.store(&[marked(&[(Parameter::Rr, 14.0)], &[])], &[]).await.unwrap();
    let off = marked(&[(Parameter::Rr, 14.0)], &[(Parameter::Spo2, Validity::LeadOff)]);
    table.store(std::slice::from_ref(&off), &[]).await.unwrap();
    assert_eq!(table.marks().await.as_deref(), Some(r#"{"spo2": "lead_off"}"#));
    // What was said of it first stands.
    let unplugged = marked(&[], &[(Parameter::Spo2, Validity::Unplugged)]);
    table.store(&[unplugged], &[]).await.unwrap();
    assert_eq!(table.marks().await.as_deref(), Some(r#"{"spo2": "lead_off"}"#));
    assert_eq!(table.quarantined().await, [] as [Option<String>; 0]);
}

#[tokio::test]
async fn another_value_of_an_unknown_key_is_a_conflict_and_the_first_one_stays() {
    let mut table = Table::new().await;
    assert_eq!(table.store(&[], &[other("cvp", 8.5), other("icp", 11.0)]).await.unwrap(), 0);
    assert_eq!(table.store(&[], &[other("cvp", 8.5)]).await.unwrap(), 0, "the same again");
    let found = table.store(&[], &[other("cvp", 8.5), other("icp", 12.0), other("map", 70.0)]).await.unwrap();
    assert_eq!(found, 1);
    assert_eq!(table.quarantined().await, [Some("conflict icp".to_owned())]);
    let stored = table.text("SELECT code || ' ' || value FROM readings_other ORDER BY code").await;
    assert_eq!(stored.iter().flatten().collect::<Vec<_>>(), ["cvp 8.5", "icp 11", "map 70"]);
    // Twice in one batch.
    assert_eq!(table.store(&[], &[other("lac", 1.0), other("lac", 2.0)]).await.unwrap(), 1);
    assert_eq!(table.quarantined().await.last().unwrap().as_deref(), Some("conflict lac"));
}

#[tokio::test]
async fn however_much_of_a_device_differs_its_entries_are_made_together() {
    let mut table = Table::new().await;
    let frames = |hr: f32| -> Vec<_> {
        (0..3).map(|second| frame(START.plus_millis(second * 1_000), &[(Parameter::Hr, hr)])).collect()
    };
    let others = |value: f64| {
        let foreign = OtherReading { device: DeviceKey(2), ..other("cvp", value) };
        [other("cvp", value), foreign, other("icp", value), other("lac", 1.0)]
    };
    assert_eq!(table.store(&frames(70.0), &others(8.0)).await.unwrap(), 0);
    let mut again = frames(71.0);
    again[1].values.set(Parameter::Hr, 70.0);
    assert_eq!(table.store(&again, &others(9.0)).await.unwrap(), 5, "two frames and three readings");
    let entries = table.text("SELECT device_key || ': ' || detail FROM quarantine ORDER BY id").await;
    assert_eq!(entries.iter().flatten().collect::<Vec<_>>(), ["1: 0 2000", "1: cvp icp", "2: cvp"]);
}

#[tokio::test]
async fn the_same_bytes_count_up_within_a_batch_and_from_batch_to_batch() {
    let mut table = Table::new().await;
    let entry = |digest: u8, second: i64| Quarantined {
        device: DeviceKey(1),
        topic: "vigil/v1/bed-1/vitals".to_owned(),
        reason: Reason::Malformed,
        detail: "not JSON".to_owned(),
        payload: vec![digest],
        digest: [digest; 32],
        received_at: START.plus_millis(second * 1_000),
    };
    for first in [0, 10] {
        let entries = [entry(1, first), entry(2, first + 1), entry(1, first + 2)];
        table.store_with(&[], &[], &entries).await.unwrap();
    }
    let span = "extract(epoch FROM last_received_at - first_received_at)::int4";
    let rows = table
        .text(&format!("SELECT encode(payload, 'hex') || ' ' || count || ' ' || {span} FROM quarantine ORDER BY id"))
        .await;
    assert_eq!(rows.iter().flatten().collect::<Vec<_>>(), ["01 4 12", "02 2 10"]);
}

#[tokio::test]
async fn a_refused_reading_blames_the_row_and_leaves_nothing_of_its_batch() {
    let mut table = Table::new().await;
    let client = table.db.pool().get().await.unwrap();
    client.batch_execute("ALTER TABLE readings_other ADD CONSTRAINT poison CHECK (value <> 66)").await.unwrap();
    let frame = [marked(&[(Parameter::Hr, 70.0)], &[])];
    let refusal = table.store(&frame, &[other("cvp", 8.5), other("icp", 66.0)]).await.unwrap_err();
    assert!(refusal.blames_row(), "{refusal}");
    for relation in ["vitals", "readings_other"] {
        assert_eq!(table.text(&format!("SELECT 'x' FROM {relation}")).await, [] as [Option<String>; 0]);
    }
    // The connection goes on.
    table.store(&frame, &[other("cvp", 8.5)]).await.unwrap();
    assert_eq!(table.text("SELECT code FROM readings_other").await, [Some("cvp".to_owned())]);
}
