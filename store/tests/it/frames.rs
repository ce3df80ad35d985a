use store::frames::{self, last_at};
use store::testing::database;
use store::{clocks, connect, counts};
use vitals::{DeviceKey, Flags, Frame, Parameter, Timestamp, Validity};

use crate::charts::{frame, store};

async fn received_between(client: &store::Client, from: Timestamp, until: Timestamp) -> Vec<Frame> {
    let mut received = frames::received_between(client, from, until).await.unwrap();
    let mut all = Vec::new();
    loop {
        let some = received.next().await.unwrap();
        if some.is_empty() {
            return all;
        }
        all.extend(some);
    }
}

const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

#[tokio::test]
async fn frames_read_back_as_they_were_stored_in_the_order_they_came() {
    let db = database().await;
    let mut marked = frame(START, &[(Parameter::Hr, 71.5), (Parameter::Weight, 3.25)]);
    marked.seq = Some(i64::MAX);
    marked.flags = Flags::HIST.with(Flags::VALUE_FLAGGED);
    marked.marks = vec![(Parameter::Hr, Validity::Implausible), (Parameter::Spo2, Validity::LeadOff)];
    // Received before the other although it was measured later.
    let sooner =
        Frame { received_at: START.plus_millis(10), ..frame(START.plus_millis(5_000), &[(Parameter::Pi, 0.02)]) };
    let stored = [sooner, marked];
    store(&db, &stored).await;

    let client = db.pool().get().await.unwrap();
    assert_eq!(store::roster::enrol(&client, &crate::rosters::bed("bed-1")).await.unwrap(), stored[0].device);
    let end = START.plus_millis(60_000);
    assert_eq!(received_between(&client, START, end).await, stored);
    let second = stored[0].received_at.plus_micros(1);
    assert_eq!(received_between(&client, START, second).await, stored[..1]);
    assert_eq!(received_between(&client, second, end).await, stored[1..]);
    assert_eq!(counts(&client).await.unwrap().vitals, 2);
}

#[tokio::test]
async fn frames_by_a_clock_that_is_slow_by_hours_or_months_read_back_between_the_others() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    const HOUR_MS: i64 = 3_600_000;
    let slow_ms = [0, 23 * HOUR_MS, 25 * HOUR_MS, 100 * 24 * HOUR_MS + 5 * HOUR_MS];
    let mut stored = Vec::new();
    for (number, slow_ms) in slow_ms.into_iter().enumerate() {
        let device = store::roster::enrol(&client, &crate::rosters::bed(&format!("bed-{number}"))).await.unwrap();
        clocks::save(&client, &[(device, slow_ms * 1_000)], START).await.unwrap();
        let received_at = START.plus_millis(number as i64 * 1_000);
        let at = received_at.plus_millis(-slow_ms);
        stored.push(Frame { device, received_at, ..frame(at, &[(Parameter::Hr, 70.0)]) });
        // By the same clock, before it went wrong or half way to where it is.
        for (later_ms, slow_ms) in [(400, 0), (800, slow_ms.min(24 * HOUR_MS))] {
            let received_at = received_at.plus_millis(later_ms);
            let at = received_at.plus_millis(-slow_ms);
            stored.push(Frame { device, received_at, ..frame(at, &[(Parameter::Hr, 71.0)]) });
        }
    }
    store(&db, &stored).await;
    assert_eq!(received_between(&client, START, START.plus_millis(60_000)).await, stored);
}

#[tokio::test]
async fn the_newest_moment_is_known_of_devices_that_have_one() {
    let db = database().await;
    store(&db, &[frame(START, &[]), frame(START.plus_millis(1), &[])]).await;
    let own = connect(db.url(), "test").await.unwrap();
    let keys = [DeviceKey(1), DeviceKey(2)];
    let newest = START.plus_millis(1);
    assert_eq!(last_at(&own, &keys, START).await.unwrap(), [(DeviceKey(1), newest)]);
    assert_eq!(last_at(&own, &keys, newest.plus_micros(1)).await.unwrap(), []);
}

#[tokio::test]
async fn a_clock_is_remembered_as_it_was_last_seen() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let key = store::roster::enrol(&client, &crate::rosters::bed("bed-1")).await.unwrap();
    clocks::save(&client, &[(key, -250)], START.plus_millis(1)).await.unwrap();
    clocks::save(&client, &[(key, 99)], START).await.unwrap();
    assert_eq!(clocks::load(&client).await.unwrap(), [(key, -250, START.plus_millis(1))]);
    clocks::save(&client, &[], START).await.unwrap();
}
