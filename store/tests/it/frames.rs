use store::frames::{self, last_at};
use store::recall::{Minute, recall};
use store::testing::database;
use store::{clocks, connect, counts};
use vitals::{DeviceKey, Flags, Frame, Parameter, Timestamp, Validity};

use crate::charts::{frame, store};

async fn received_between(client: &store::Client, from: Timestamp, until: Timestamp) -> Vec<Frame> {
    received(client, |_| Some(from), until).await
}

async fn received(
    client: &store::Client,
    from: impl Fn(DeviceKey) -> Option<Timestamp>,
    until: Timestamp,
) -> Vec<Frame> {
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
    assert_eq!(counts(&client, &client).await.unwrap().vitals, 2);
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
async fn each_device_is_read_from_a_moment_of_its_own() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let mut stored = Vec::new();
    for name in ["bed-1", "bed-2", "bed-3"] {
        let device = store::roster::enrol(&client, &crate::rosters::bed(name)).await.unwrap();
        stored.extend([0, 30_000].map(|ms| Frame { device, ..frame(START.plus_millis(ms), &[(Parameter::Hr, 70.0)]) }));
    }
    stored.iter_mut().enumerate().for_each(|(place, frame)| frame.received_at = frame.at.plus_micros(place as i64));
    stored.sort_by_key(|frame| frame.received_at);
    store(&db, &stored).await;
    let [first, second, third] = [1, 2, 3].map(DeviceKey);
    let from = |device| (device != third).then(|| START.plus_millis(if device == first { 0 } else { 10_000 }));
    let expected: Vec<_> = stored
        .iter()
        .filter(|frame| frame.device == first || frame.device == second && frame.at > START)
        .cloned()
        .collect();
    assert_eq!(expected.len(), 3);
    assert_eq!(received(&client, from, START.plus_millis(60_000)).await, expected);
    assert_eq!(received(&client, |_| None, START.plus_millis(60_000)).await, []);
}

/// Of a clock that is right and one that is slow by days.
#[tokio::test]
async fn a_minute_of_frames_is_recalled_by_its_extremes() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let (judged, start) = (Flags::LIVE.with(Flags::JUDGED), START.minute());
    let mut expected = Vec::new();
    for (name, slow_ms) in [("bed-1", 0), ("bed-2", 100 * 86_400_000 + 5 * 3_600_000)] {
        let device = store::roster::enrol(&client, &crate::rosters::bed(name)).await.unwrap();
        clocks::save(&client, &[(device, slow_ms * 1_000)], START).await.unwrap();
        // (received, late, flags) in ms: three of one minute, one of the next, two that are out of the question.
        let drawn = [
            (60_000, 700, judged),
            (60_500, -90, judged),
            (119_999, 2_001, judged),
            (70_000, 4_000, Flags::HIST),
            (120_000, 1, judged),
            (59_999, 0, judged),
            (180_000, 0, judged),
        ];
        let frames = drawn.map(|(received, late, flags)| {
            let received_at = start.plus_millis(received);
            let at = received_at.plus_millis(-slow_ms - late);
            Frame { device, received_at, flags, ..frame(at, &[(Parameter::Hr, 70.0)]) }
        });
        store(&db, &frames).await;
        let minute = |count: i64, flags: Flags, delay_ms: (i64, i64), made: [usize; 2], heard: usize| Minute {
            device,
            minute: start.plus_millis(60_000 * count),
            flags,
            delay_us: ((slow_ms + delay_ms.0) * 1_000, (slow_ms + delay_ms.1) * 1_000),
            made: (frames[made[0]].at, frames[made[1]].at),
            heard_at: frames[heard].received_at,
        };
        expected.extend([
            minute(1, judged, (-90, 2_001), [0, 2], 2),
            minute(1, Flags::HIST, (4_000, 4_000), [3, 3], 3),
            minute(2, judged, (1, 1), [4, 4], 4),
        ]);
    }
    let mut recalled = recall(&client, start.plus_millis(60_000), start.plus_millis(180_000)).await.unwrap();
    recalled.sort_by_key(|minute| (minute.device, minute.minute, minute.flags.0));
    assert_eq!(recalled, expected);
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
