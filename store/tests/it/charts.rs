use store::minutes::recompute;
use store::series::{MOST_POINTS, Point, Series, buckets};
use store::telemetry::{Batch, Conflict, Connection};
use store::testing::{TestDatabase, database};
use vitals::{DeviceKey, Flags, Frame, Parameter, Timestamp, Validity, Values};

const BED: DeviceKey = DeviceKey(1);

/// The start of an hour.
const START: Timestamp = Timestamp::from_millis(1_790_002_800_000);

const HOUR_MS: i64 = 3_600_000;

/// Stores frames as late ones, with the marks of their minutes, as ingest does.
pub(crate) async fn store(db: &TestDatabase, frames: &[Frame]) {
    let conflict = |_: DeviceKey, _: Conflict<'_>| unreachable!("these frames differ in their keys");
    let mut dirty: Vec<_> = frames.iter().map(|frame| (frame.device, frame.at.minute())).collect();
    dirty.sort_unstable();
    dirty.dedup();
    let batch = Batch {
        fresh: &[],
        merge: &frames.iter().collect::<Vec<_>>(),
        dirty: &dirty,
        others: &[],
        quarantined: &[],
        statuses: &[],
        seal: &|_| unreachable!("nothing is refused"),
        conflict: &conflict,
    };
    Connection::open(&db.pool(), "test").await.unwrap().store(&batch).await.unwrap();
}

pub(crate) fn frame(at: Timestamp, values: &[(Parameter, f32)]) -> Frame {
    let mut all = Values::default();
    for &(parameter, value) in values {
        all.set(parameter, value);
    }
    Frame {
        device: BED,
        at,
        received_at: at.plus_millis(120),
        seq: None,
        flags: Flags::LIVE.with(Flags::JUDGED),
        values: all,
        marks: Vec::new(),
    }
}

/// Two hours at one frame in five seconds, with a gap of ten minutes; the pressure once in a while.
fn ward() -> Vec<Frame> {
    let gap = 1_980_000..2_580_000;
    (0..1_440)
        .map(|n| n * 5_000)
        .filter(|ms| !gap.contains(ms))
        .map(|ms| {
            let mut values = vec![(Parameter::Hr, 60.0 + (ms % 47_000) as f32 / 1_000.0)];
            if ms % 300_000 == 0 {
                values.push((Parameter::NibpSys, 100.0 + (ms % 17) as f32));
            }
            frame(START.plus_millis(ms), &values)
        })
        .collect()
}

fn column(series: &Series, parameter: Parameter) -> &[Option<Point>] {
    let found = series.columns.iter().find(|(found, _)| *found == parameter);
    &found.unwrap_or_else(|| panic!("no {parameter}")).1
}

/// What the frames say of one bucket.
fn expected(frames: &[Frame], parameter: Parameter, from: Timestamp, step_ms: i64) -> Option<Point> {
    let within = |frame: &&Frame| frame.at >= from && frame.at < from.plus_millis(step_ms);
    let values: Vec<f32> = frames.iter().filter(within).filter_map(|frame| frame.judgeable(parameter)).collect();
    let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / values.len() as f64;
    let min = values.iter().copied().reduce(f32::min)?;
    let max = values.iter().copied().reduce(f32::max)?;
    Some(Point { mean: mean as f32, min, max, count: values.len() as u32 })
}

/// Every bucket says what the frames in it say.
fn assert_true(series: &Series, frames: &[Frame]) {
    for (parameter, points) in &series.columns {
        for (time, found) in series.times.iter().zip(points) {
            let expected = expected(frames, *parameter, *time, series.step_ms);
            let same = match (found, &expected) {
                // The mean of a minute is stored as f32.
                (Some(found), Some(expected)) => {
                    (found.mean - expected.mean).abs() < 1e-3 && Point { mean: expected.mean, ..*found } == *expected
                }
                (found, expected) => found.is_none() && expected.is_none(),
            };
            assert!(same, "{parameter} at {time}: {found:?}, not {expected:?}");
        }
    }
}

async fn chart(db: &TestDatabase, from_ms: i64, to_ms: i64, step_ms: i64) -> Series {
    let client = db.pool().get().await.unwrap();
    buckets(&client, BED, START.plus_millis(from_ms), START.plus_millis(to_ms), step_ms).await.unwrap()
}

async fn roll_up(db: &TestDatabase, before_ms: i64) -> u64 {
    recompute(&db.pool().get().await.unwrap(), START.plus_millis(before_ms), 100_000).await.unwrap()
}

#[tokio::test]
async fn buckets_are_true_from_frames_marks_and_minutes() {
    let db = database().await;
    let frames = ward();
    store(&db, &frames).await;
    // Nothing rolled up, half of it, all of it.
    for rolled_ms in [0, HOUR_MS, 2 * HOUR_MS] {
        roll_up(&db, rolled_ms).await;
        for step_ms in [5_000, 30_000, 60_000, 300_000, 3_600_000] {
            let series = chart(&db, 0, 2 * HOUR_MS, step_ms).await;
            assert_eq!(series.step_ms, step_ms);
            assert_eq!(series.times.len() as i64, 2 * HOUR_MS / step_ms);
            assert_eq!(series.columns.len(), 2, "parameters without a value are left out");
            let counted: u32 = column(&series, Parameter::Hr).iter().flatten().map(|point| point.count).sum();
            assert_eq!(counted as usize, frames.len());
            assert_true(&series, &frames);
        }
    }
    assert_eq!(roll_up(&db, 2 * HOUR_MS).await, 0, "every mark was taken");
}

#[tokio::test]
async fn a_late_frame_shows_at_once_though_its_minute_was_rolled_up() {
    let db = database().await;
    let mut frames = ward();
    store(&db, &frames).await;
    roll_up(&db, 2 * HOUR_MS).await;
    let late = frame(START.plus_millis(2_100_000), &[(Parameter::Hr, 180.0), (Parameter::Temp, 38.5)]);
    store(&db, std::slice::from_ref(&late)).await;
    frames.push(late);
    for _ in 0..2 {
        let series = chart(&db, 0, 2 * HOUR_MS, 60_000).await;
        assert_true(&series, &frames);
        assert_eq!(column(&series, Parameter::Temp).iter().flatten().count(), 1);
        roll_up(&db, 2 * HOUR_MS).await;
    }
}

#[tokio::test]
async fn simulated_rows_and_worthless_values_stay_out_of_charts() {
    let db = database().await;
    let good = frame(START, &[(Parameter::Hr, 70.0), (Parameter::Spo2, 97.0)]);
    let mut marked = frame(START.plus_millis(1_000), &[(Parameter::Hr, 0.0), (Parameter::Spo2, 40.0)]);
    marked.marks = vec![(Parameter::Hr, Validity::Questionable), (Parameter::Spo2, Validity::Implausible)];
    let mut simulated = frame(START.plus_millis(2_000), &[(Parameter::Hr, 300.0)]);
    simulated.flags = simulated.flags.with(Flags::SIMULATED);
    let mut alone = frame(START.plus_millis(60_000), &[(Parameter::Hr, 300.0)]);
    alone.flags = simulated.flags;
    store(&db, &[good.clone(), marked.clone(), simulated, alone]).await;
    for rolled in [false, true] {
        if rolled {
            roll_up(&db, HOUR_MS).await;
        }
        for step_ms in [10_000, 60_000] {
            let series = chart(&db, 0, 120_000, step_ms).await;
            assert_true(&series, &[good.clone(), marked.clone()]);
            assert_eq!(column(&series, Parameter::Spo2)[0].map(|point| point.count), Some(1));
            assert_eq!(column(&series, Parameter::Hr)[0].map(|point| (point.min, point.count)), Some((0.0, 2)));
        }
    }
}

#[tokio::test]
async fn a_minute_that_lost_its_rows_loses_its_values_and_one_that_never_had_any_gets_no_row() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    store(&db, &[frame(START, &[(Parameter::Hr, 70.0)])]).await;
    roll_up(&db, HOUR_MS).await;
    client
        .batch_execute(
            "DELETE FROM vitals; INSERT INTO vitals_dirty SELECT device_key, minute FROM vitals_minute;
            INSERT INTO vitals_dirty SELECT 7, minute FROM vitals_minute",
        )
        .await
        .unwrap();
    assert_eq!(roll_up(&db, HOUR_MS).await, 2);
    let rows = client.query("SELECT device_key, num_nonnulls(hr_n, hr_mean, hr_last) FROM vitals_minute", &[]).await;
    let rows: Vec<(i32, i32)> = rows.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(rows, [(BED.0, 0)]);
    assert_eq!(chart(&db, 0, HOUR_MS, 60_000).await.columns, []);
}

#[tokio::test]
async fn the_roll_up_takes_the_oldest_marks_first_and_no_open_minute() {
    let db = database().await;
    store(&db, &ward()).await;
    let client = db.pool().get().await.unwrap();
    assert_eq!(recompute(&client, START.plus_millis(HOUR_MS), 20).await.unwrap(), 20);
    assert_eq!(recompute(&client, START.plus_millis(HOUR_MS), 20).await.unwrap(), 20);
    assert_eq!(recompute(&client, START.plus_millis(HOUR_MS), 20).await.unwrap(), 10);
    let rolled = client.query_one("SELECT count(*), sum(hr_n), max(hr_last) FROM vitals_minute", &[]).await.unwrap();
    assert_eq!((rolled.get::<_, i64>(0), rolled.get::<_, i64>(1)), (50, 600));
}

#[tokio::test]
async fn no_chart_has_more_points_than_a_screen() {
    let db = database().await;
    store(&db, &[frame(START, &[(Parameter::Hr, 70.0)])]).await;
    for (span_ms, step_ms) in [(HOUR_MS, 1), (24 * HOUR_MS, 1_000), (400 * 24 * HOUR_MS, 60_000), (7_001, 250)] {
        for shift_ms in [0, 1, 59_999] {
            let series = chart(&db, -shift_ms, span_ms, step_ms).await;
            assert!(series.times.len() as i64 <= MOST_POINTS, "{span_ms} by {step_ms}: {}", series.times.len());
            assert!(series.step_ms >= step_ms);
            assert!(series.times[0] <= START.plus_millis(-shift_ms));
            assert_eq!(column(&series, Parameter::Hr).iter().flatten().count(), 1);
        }
    }
}
