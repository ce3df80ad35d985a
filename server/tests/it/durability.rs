//! P1 and P2.

use std::collections::BTreeSet;

use store::testing::database;
use vitals::{Clock, Timestamp};

use super::mqtt::Device;
use super::vigil::{Site, count, eventually};

/// Messages that a stopping server has read: fewer than a connection's window.
const READ: usize = 40;

fn frame(at: Timestamp, seq: usize) -> String {
    format!(r#"{{"t":"{at}","seq":{seq},"hr":72,"spo2":97,"rr":14,"temp":36.8}}"#)
}

pub const WAITING: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'vigil writer%' AND wait_event_type = 'Lock'";
const WRITERS: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND application_name LIKE 'vigil writer%'";

/// Sends until the connection breaks; answers the moments that were acknowledged.
async fn send_until_killed(mut device: Device, start: Timestamp) -> Vec<i64> {
    let mut acknowledged = Vec::new();
    let mut sent = Vec::new();
    for number in 0.. {
        let at = start.plus_micros(number as i64 * 500);
        if device.send(&frame(at, number)).await.is_err() {
            break;
        }
        sent.push(at.micros());
        while device.unacknowledged() >= 8 {
            if device.acknowledged().await.is_err() {
                return acknowledged;
            }
            acknowledged.push(sent[acknowledged.len()]);
        }
    }
    acknowledged
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_acknowledged_frame_survives_sigkill_under_load() {
    let db = database().await;
    let site = Site::of(&db).await;
    let ids: Vec<_> = (0..8).map(|number| format!("bed-{number}")).collect();
    let secrets: Vec<_> = ids.iter().map(|id| site.enrol(id, &[])).collect();
    for _ in 0..3 {
        let vigil = site.start();
        let start = Clock::system().now();
        let mut senders = Vec::new();
        for (id, secret) in ids.iter().zip(&secrets) {
            let device = Device::connect(vigil.mqtt, id, secret).await;
            senders.push((id.clone(), tokio::spawn(send_until_killed(device, start))));
        }
        // Killed while all of them send: once the table has grown by a good number of rows since this start.
        let since = format!("SELECT count(*) FROM vitals WHERE at >= '{start}'");
        eventually("load", async || count(&db, &since).await > 5_000).await;
        // The kill falls into a commit, not beside it: both writers wait for the table while devices go on sending. What
        // was acknowledged too early has no other way into it.
        let mut locker = db.pool().get().await.unwrap();
        let lock = locker.transaction().await.unwrap();
        lock.batch_execute("LOCK TABLE vitals IN ACCESS EXCLUSIVE MODE").await.unwrap();
        eventually("writers in a commit", async || count(&db, WAITING).await >= 2).await;
        vigil.kill();
        lock.rollback().await.unwrap();
        eventually("the end of their transactions", async || count(&db, WRITERS).await == 0).await;
        let client = db.pool().get().await.unwrap();
        let mut all = 0;
        for (id, sender) in senders {
            let acknowledged = sender.await.unwrap();
            let rows = client
                .query(
                    "SELECT (extract(epoch FROM at) * 1000000)::int8 FROM vitals JOIN devices ON key = device_key WHERE external_id = $1",
                    &[&id],
                )
                .await
                .unwrap();
            let stored: BTreeSet<i64> = rows.iter().map(|row| row.get(0)).collect();
            let lost: Vec<_> = acknowledged.iter().filter(|at| !stored.contains(at)).collect();
            assert!(lost.is_empty(), "{id}: {} of {} acknowledged frames are lost", lost.len(), acknowledged.len());
            all += acknowledged.len();
        }
        assert!(all > 1_000, "only {all} frames were acknowledged: no load");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_frames_sent_twice_are_stored_once() {
    const DEVICES: usize = 10;
    const FRAMES: usize = 10_000;
    let db = database().await;
    let site = Site::of(&db).await;
    let ids: Vec<_> = (0..DEVICES).map(|number| format!("bed-{number}")).collect();
    let secrets: Vec<_> = ids.iter().map(|id| site.enrol(id, &[])).collect();
    let start = Clock::system().now();
    let vigil = site.start();
    let mut counts = Vec::new();
    for _ in 0..2 {
        let mut senders = Vec::new();
        for (id, secret) in ids.iter().zip(&secrets) {
            let mut device = Device::connect(vigil.mqtt, id, secret).await;
            let frames = (0..FRAMES).map(move |number| frame(start.plus_micros(number as i64 * 300), number));
            senders.push(tokio::spawn(async move { device.stores_all(frames, 32).await }));
        }
        for sender in senders {
            sender.await.unwrap();
        }
        counts.push(count(&db, "SELECT count(*) FROM vitals").await);
    }
    assert_eq!(counts, [(DEVICES * FRAMES) as i64; 2]);
    assert_eq!(super::pipeline::quarantined(&db).await, [], "a redelivery is no conflict");
    assert_eq!(vigil.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_graceful_stop_acknowledges_what_it_read_and_takes_leave() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let listener = site.enrol("bed-2", &[]);
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    let listening = super::mqtt::listen_v5(vigil.mqtt, "bed-2", &listener).await;
    let start = Clock::system().now();
    device.stores(&frame(start, 0)).await;
    // Nothing can be committed until the stop has begun: what is read by then must be drained.
    let mut locker = db.pool().get().await.unwrap();
    let lock = locker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE vitals IN ACCESS EXCLUSIVE MODE").await.unwrap();
    for number in 1..=READ {
        device.send(&frame(start.plus_millis(number as i64), number)).await.unwrap();
    }
    let all = (READ + 1) as f64;
    eventually("the server reads", async || vigil.metric("vigil_messages_received_total").await == all).await;
    eventually("a writer in a commit", async || count(&db, WAITING).await >= 1).await;
    vigil.begin_stop();
    // MQTT 5 hears of it at once; 3.1.1 has no word for it, and its messages are not stored yet.
    let said = listening.await.unwrap();
    assert_eq!((said[0], said[2]), (0xe0, 0x8b), "DISCONNECT, server shutting down: {said:x?}");
    lock.rollback().await.unwrap();
    for _ in 1..=READ {
        device.acknowledged().await.expect("what was read is acknowledged before the close");
    }
    assert!(device.is_closed().await);
    assert_eq!(vigil.ended(), Some(0));
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, (READ + 1) as i64);
}
