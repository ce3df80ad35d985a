//! What a chart shows: one bucket a step, never more than a screen can draw. Simulated rows are left out, and so are
//! values with a mark on which no limit is judged.

use std::sync::OnceLock;

use tokio_postgres::Row;
use vitals::{DeviceKey, Parameter, Timestamp};

use crate::columns::{each, real, worthy};
use crate::time::At;
use crate::{Db, Error, prepared};

/// Buckets of one answer: more than a screen has columns of pixels.
pub const MOST_POINTS: i64 = 2_000;

/// From this step on minutes are read instead of frames.
pub const MINUTE_MS: i64 = 60_000;

/// Steps that an axis can label, for when the one asked for gives too many points.
const STEPS_MS: [i64; 6] = [1_000, 2_000, 5_000, 10_000, 15_000, 30_000];

#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// At least what was asked for.
    pub step_ms: i64,
    /// The start of every bucket, whether it has values or not.
    pub times: Vec<Timestamp>,
    /// Parameters that have any value, each with one entry a bucket.
    pub columns: Vec<(Parameter, Vec<Option<Point>>)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    pub mean: f32,
    pub min: f32,
    pub max: f32,
    pub count: u32,
}

#[cfg(feature = "testing")]
pub(crate) fn statements() -> [&'static str; 2] {
    let seen = Statements::seen();
    [&seen.frames, &seen.minutes]
}

/// What is asked of frames and of minutes; from where, in what follows FROM.
struct Statements {
    frames: String,
    minutes: String,
}

impl Statements {
    fn of(frames: &str, minutes: &str) -> Self {
        Self {
            // Each value is judged once, behind the fence (OFFSET 0): beside the sums it would be judged in all four of them.
            frames: format!(
                "-- series::frames
                SELECT bucket, {} FROM (
                    SELECT date_bin($4::int8 * INTERVAL '1 millisecond', at, 'epoch') AS bucket, {}
                    FROM {frames} AND {} OFFSET 0
                ) rows
                GROUP BY 1 ORDER BY 1",
                each(|key| format!("count({key}), avg({key}), min({key}), max({key})")),
                each(worthy),
                real(),
            ),
            minutes: format!(
                "-- series::minutes
                SELECT date_bin($4::int8 * INTERVAL '1 millisecond', minute, 'epoch'), {}
                FROM {minutes} GROUP BY 1 ORDER BY 1",
                each(|key| format!(
                    "sum({key}_n)::int8, sum({key}_mean::float8 * {key}_n) / nullif(sum({key}_n), 0)::float8,
                    min({key}_min), max({key}_max)"
                )),
            ),
        }
    }

    /// What may be seen, by whoever the transaction works for.
    fn seen() -> &'static Self {
        static SEEN: OnceLock<Statements> = OnceLock::new();
        SEEN.get_or_init(|| Self::of("device_vitals($1, $2, $3) WHERE true", "device_vitals_minute($1, $2, $3)"))
    }
}

/// The device's values from the bucket in which `from` lies up to before `to`, in whole buckets that count from 1970.
pub async fn buckets(
    db: &impl Db,
    device: DeviceKey,
    from: Timestamp,
    to: Timestamp,
    step_ms: i64,
) -> Result<Series, Error> {
    buckets_by(Statements::seen(), db, device, (from, to), step_ms).await
}

/// The same without asking whose it is, for the bench that compares: frames from their table, minutes by the function that reads
/// them for whoever may. No role of Vigil that shows anybody anything may do either.
#[cfg(feature = "bare")]
pub async fn bare_buckets(
    db: &impl Db,
    device: DeviceKey,
    (from, to): (Timestamp, Timestamp),
    step_ms: i64,
) -> Result<Series, Error> {
    static BARE: OnceLock<Statements> = OnceLock::new();
    let frames = "vitals WHERE device_key = $1 AND at >= $2 AND at < $3";
    let bare = BARE.get_or_init(|| Statements::of(frames, "minutes_within($1, $2, $3)"));
    buckets_by(bare, db, device, (from, to), step_ms).await
}

async fn buckets_by(
    statements: &'static Statements,
    db: &impl Db,
    device: DeviceKey,
    (from, to): (Timestamp, Timestamp),
    step_ms: i64,
) -> Result<Series, Error> {
    let step_ms = fitting(to.millis_since(from), step_ms);
    let start = from.millis().div_euclid(step_ms) * step_ms;
    let end = (to.plus_micros(-1).millis().div_euclid(step_ms) + 1) * step_ms;
    let times: Vec<_> =
        (start..end).step_by(usize::try_from(step_ms).unwrap_or(usize::MAX)).map(Timestamp::from_millis).collect();
    let sql = if step_ms < MINUTE_MS { &statements.frames } else { &statements.minutes };
    let bounds = (At(Timestamp::from_millis(start)), At(Timestamp::from_millis(end)));
    let rows = prepared::query(db, sql, &[&device.0, &bounds.0, &bounds.1, &step_ms]).await?;
    let mut columns = Vec::new();
    for &parameter in Parameter::ALL {
        let mut points = vec![None; times.len()];
        for row in &rows {
            let At(at) = row.try_get(0)?;
            // Within: the statement reads nothing outside the buckets.
            points[((at.millis() - start) / step_ms) as usize] = point(row, 1 + 4 * parameter.index())?;
        }
        if points.iter().any(Option::is_some) {
            columns.push((parameter, points));
        }
    }
    Ok(Series { step_ms, times, columns })
}

/// The step asked for, or the next longer one that gives few enough points; whole minutes from a minute on.
fn fitting(span_ms: i64, step_ms: i64) -> i64 {
    // A span that begins and ends within a bucket touches one more than it is long: one point is spared for it.
    let least = span_ms.max(0) / (MOST_POINTS - 1) + 1;
    let step_ms = if step_ms >= least {
        step_ms.max(1)
    } else {
        STEPS_MS.into_iter().find(|step| *step >= least).unwrap_or(least)
    };
    if step_ms < MINUTE_MS { step_ms } else { (step_ms + MINUTE_MS - 1) / MINUTE_MS * MINUTE_MS }
}

/// Count, mean, least and most from four columns on.
fn point(row: &Row, first: usize) -> Result<Option<Point>, Error> {
    let count = row.try_get::<_, Option<i64>>(first)?.unwrap_or_default();
    let (mean, min, max) = (row.try_get(first + 1)?, row.try_get(first + 2)?, row.try_get(first + 3)?);
    let (Some::<f64>(mean), Some(min), Some(max)) = (mean, min, max) else { return Ok(None) };
    Ok(Some(Point { mean: mean as f32, min, max, count: u32::try_from(count).unwrap_or(u32::MAX) }))
}
