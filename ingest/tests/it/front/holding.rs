//! When the database is slow or a client is.

use std::time::{Duration, Instant};

use super::client::{Client, Connect, V4, V5};
use super::ground::{Ground, SECRET};

const TOPIC: &str = "vigil/v1/bed-01/vitals";

/// Rows wait as long as the answer lives.
async fn block_writers(ground: &Ground) -> store::Client {
    let client = ground.database.pool().get().await.unwrap();
    client.batch_execute("BEGIN; LOCK TABLE vitals IN ACCESS EXCLUSIVE MODE").await.unwrap();
    client
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !done() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_before_its_commit_and_a_held_device_is_not_cut() {
    let ground = Ground::start_with(|config| config.window = 2, None).await;
    let blocked = block_writers(&ground).await;
    // 3.1.1, which was not told the window: MQTT 5 may not exceed it.
    let mut bed = Client::dial(ground.address, V4).await;
    let connect = Connect { keep_alive_s: 1, ..Connect::new(V4, "bed-01", SECRET) };
    assert_eq!(bed.connect(&connect).await, Some(0));
    for pkid in 1..=4 {
        bed.publish(TOPIC, br#"{"hr":72}"#, pkid).await;
    }
    until("the device is held", || *ground.held.lock() == [true]).await;
    // Twice its keep-alive: it may not be cut for what we do not read.
    assert!(bed.hears_nothing(Duration::from_secs(3)).await);
    blocked.batch_execute("COMMIT").await.unwrap();
    for pkid in 1..=4 {
        assert_eq!(bed.puback().await, (pkid, 0));
    }
    until("the device is let go", || *ground.held.lock() == [true, false]).await;
    assert_eq!(ground.rows("bed-01").await, 4);
    ground.stopped().await;
}

#[tokio::test]
async fn a_held_device_that_connects_anew_is_held_no_longer() {
    let ground = Ground::start_with(|config| config.window = 1, None).await;
    let blocked = block_writers(&ground).await;
    let mut bed = ground.client(V4, "bed-01").await;
    bed.publish(TOPIC, br#"{"hr":72}"#, 1).await;
    until("the device is held", || *ground.held.lock() == [true]).await;
    let mut again = ground.client(V5, "bed-01").await;
    assert_eq!(*ground.held.lock(), [true, false]);
    again.ping().await;
    blocked.batch_execute("COMMIT").await.unwrap();
    ground.stopped().await;
}

#[tokio::test]
async fn a_stop_waits_for_the_commit_of_what_was_accepted() {
    let ground = Ground::start().await;
    let blocked = block_writers(&ground).await;
    let mut bed = ground.client(V5, "bed-01").await;
    bed.publish(TOPIC, br#"{"hr":72}"#, 1).await;
    bed.ping().await;
    ground.begin_stop();
    assert!(bed.hears_nothing(Duration::from_millis(500)).await);
    blocked.batch_execute("COMMIT").await.unwrap();
    assert_eq!(bed.puback().await, (1, 0));
    assert_eq!(bed.ended().await, Some(0x8B));
    assert_eq!(ground.rows("bed-01").await, 1);
    ground.stopped().await;
}
