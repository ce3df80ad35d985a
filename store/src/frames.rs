//! Stored frames, as the engine and the writers read them back.

use std::pin::Pin;

use futures_util::stream::Fuse;
use futures_util::{StreamExt, TryStreamExt};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Row, RowStream};
use vitals::{DeviceKey, Flags, Frame, Mark, Parameter, Timestamp, Validity, Values};

use crate::columns::each;
use crate::time::At;
use crate::{Db, Error};

/// How far a frame's corrected event time may lie from its receive time and still be read back: the longest live window
/// and slack. A backlog from before is left out; it is judged on nothing, and no index orders rows by receive time.
const LATENESS_MS: i64 = 5 * 60_000;

/// Event time runs ahead of receive time by no more than what ingest stores (two minutes).
const AHEAD_MS: i64 = 2 * 60_000;

/// Devices whose clocks are slow by as many whole days lie in the same chunks.
const DAY_MS: i64 = 86_400_000;

/// The columns in the order in which `from_row` reads them.
pub fn columns() -> String {
    format!("at, received_at, seq, device_key, flags, {}, q", each(str::to_owned))
}

/// By how many whole days clocks are slow; nearly always none is.
pub(crate) const SLOW_DAYS: &str = "-- frames::slow_days
    SELECT DISTINCT offset_us / 86400000000 FROM device_clocks WHERE offset_us >= 86400000000";

/// Of the devices that are slow by so many whole days, of all where that is 0. The bounds of event time are plain
/// parameters, so that chunks outside are never opened; what a device's own clock says narrows it further.
fn span_sql([days, low, high]: [usize; 3]) -> String {
    format!(
        "SELECT {} FROM (
            SELECT key, slow_us * interval '1 microsecond' AS slow FROM (
                SELECT key, greatest(coalesce(offset_us, 0), 0) AS slow_us
                FROM devices LEFT JOIN device_clocks ON device_key = key
            ) clock WHERE ${days}::int8 = 0 OR slow_us / 86400000000 = ${days}
        ) device CROSS JOIN LATERAL (
            SELECT * FROM vitals WHERE device_key = device.key AND at >= ${low} AND at < ${high}
                AND at >= $1::timestamptz - device.slow - {LATENESS_MS} * interval '1 millisecond'
                AND received_at >= $1 AND received_at < $2
        ) frame",
        columns()
    )
}

/// Each row is read once and sorted once, however many spans and minutes there are.
pub(crate) fn received_between_sql(spans: usize) -> String {
    let spans: Vec<_> = (0..spans).map(|span| span_sql([3, 4, 5].map(|first| first + 3 * span))).collect();
    format!(
        "-- frames::received_between
        SELECT * FROM ({}) frame ORDER BY received_at, device_key, at",
        spans.join(" UNION ALL ")
    )
}

pub(crate) const LAST_AT: &str = "-- frames::last_at
    SELECT wanted.key, newest.at FROM unnest($1::int4[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT at FROM vitals WHERE device_key = wanted.key AND at >= $2 ORDER BY at DESC LIMIT 1
    ) newest";

/// Frames handed on at once while a stretch of time is read back.
const TOGETHER: usize = 4_096;

/// Frames in the order in which the engine saw them, as the database sorts them: never all of them in memory.
pub struct Received(Fuse<Pin<Box<RowStream>>>);

impl Received {
    /// Some of the next ones; empty at the end.
    pub async fn next(&mut self) -> Result<Vec<Frame>, Error> {
        let mut frames = Vec::new();
        while frames.len() < TOGETHER
            && let Some(row) = self.0.try_next().await?
        {
            frames.push(from_row(&row)?);
        }
        Ok(frames)
    }
}

/// Reads each device's own minutes by index: bounded by the span asked for.
pub async fn received_between(db: &impl Db, from: Timestamp, until: Timestamp) -> Result<Received, Error> {
    let usual = from.plus_millis(-DAY_MS - LATENESS_MS);
    let mut spans = vec![(0, At(usual), At(until.plus_millis(AHEAD_MS)))];
    for row in db.query(SLOW_DAYS, &[]).await? {
        let days: i64 = row.try_get(0)?;
        let ends = until.plus_millis(AHEAD_MS - days * DAY_MS).min(usual);
        spans.push((days, At(usual.plus_millis(-days * DAY_MS)), At(ends)));
    }
    let (from, until) = (At(from), At(until));
    let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&from, &until];
    for (days, low, high) in &spans {
        parameters.extend([days as &(dyn ToSql + Sync), low, high]);
    }
    let rows = db.query_raw(&received_between_sql(spans.len()), parameters).await?;
    Ok(Received(Box::pin(rows).fuse()))
}

/// The newest event time of each device that has one at or after `floor`.
pub async fn last_at(
    db: &tokio_postgres::Client,
    keys: &[DeviceKey],
    floor: Timestamp,
) -> Result<Vec<(DeviceKey, Timestamp)>, Error> {
    let keys: Vec<i32> = keys.iter().map(|key| key.0).collect();
    let rows = db.query(LAST_AT, &[&keys, &At(floor)]).await?;
    rows.iter().map(|row| Ok((DeviceKey(row.try_get(0)?), row.try_get::<_, At>(1)?.0))).collect()
}

pub fn from_row(row: &Row) -> Result<Frame, Error> {
    /// Columns before the first parameter.
    const FIXED: usize = 5;
    let mut values = Values::default();
    for &parameter in Parameter::ALL {
        if let Some(value) = row.try_get(FIXED + parameter.index())? {
            values.set(parameter, value);
        }
    }
    Ok(Frame {
        at: row.try_get::<_, At>(0)?.0,
        received_at: row.try_get::<_, At>(1)?.0,
        seq: row.try_get(2)?,
        device: DeviceKey(row.try_get(3)?),
        flags: Flags(row.try_get(4)?),
        values,
        marks: marks(row.try_get(FIXED + Parameter::COUNT)?),
    })
}

fn marks(stored: Option<serde_json::Value>) -> Vec<Mark> {
    let Some(serde_json::Value::Object(stored)) = stored else { return Vec::new() };
    let mut marks: Vec<_> = stored
        .iter()
        .filter_map(|(key, term)| {
            let validity = term.as_str().and_then(Validity::from_key).unwrap_or(Validity::Unknown);
            Some((Parameter::from_key(key)?, validity))
        })
        .collect();
    marks.sort_unstable();
    marks
}
