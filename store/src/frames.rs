//! Stored frames, as the engine and the writers read them back.

use std::pin::Pin;

use futures_util::stream::Fuse;
use futures_util::{StreamExt, TryStreamExt};
use tokio_postgres::{Row, RowStream};
use vitals::{DeviceKey, Flags, Frame, Mark, Parameter, Timestamp, Validity, Values};

use crate::columns::each;
use crate::spans::{self, Shape, Spans};
use crate::time::At;
use crate::{Db, Error};

/// The columns in the order in which `from_row` reads them.
pub fn columns() -> String {
    format!("at, received_at, seq, device_key, flags, {}, q", each(str::to_owned))
}

pub(crate) const LAST_AT: &str = "-- frames::last_at
    SELECT wanted.key, newest.at FROM unnest($1::int4[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT at FROM vitals WHERE device_key = wanted.key AND at >= $2 ORDER BY at DESC LIMIT 1
    ) newest";

/// Each row is read once and sorted once, however many spans there are.
pub(crate) fn received_between_sql(shape: &[Shape]) -> String {
    format!(
        "-- frames::received_between
        SELECT * FROM ({}) frame ORDER BY received_at, device_key, at",
        spans::sql(shape, &columns())
    )
}

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

/// In the order of receipt, before `until`: of each device from the moment that `from` says on; None: nothing of it.
pub async fn received_between(
    db: &impl Db,
    from: impl Fn(DeviceKey) -> Option<Timestamp>,
    until: Timestamp,
) -> Result<Received, Error> {
    let spans = Spans::new(db, from, until).await?;
    let rows = db.query_raw(&received_between_sql(&spans.shape()), spans.parameters()).await?;
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
