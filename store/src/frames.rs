//! Stored frames, as the engine and the writers read them back.

use std::sync::OnceLock;

use tokio_postgres::Row;
use vitals::{DeviceKey, Flags, Frame, Mark, Parameter, Timestamp, Validity, Values};

use crate::columns::each;
use crate::time::At;
use crate::{Db, Error};

/// How far a frame's corrected event time may lie from its receive time and still be read back: the longest live window
/// and slack. A backlog from before is left out; it is judged on nothing, and no index orders rows by receive time.
const LATENESS: &str = "interval '5 minutes'";

/// Event time runs ahead of receive time by no more than what ingest stores (two minutes).
const AHEAD: &str = "interval '2 minutes'";

/// The columns in the order in which `from_row` reads them.
pub fn columns() -> String {
    format!("at, received_at, seq, device_key, flags, {}, q", each(str::to_owned))
}

pub(crate) fn received_between_sql() -> &'static str {
    static SQL: OnceLock<String> = OnceLock::new();
    SQL.get_or_init(|| {
        format!(
            "-- frames::received_between
            SELECT {} FROM (
                SELECT key, greatest(coalesce(offset_us, 0), 0) * interval '1 microsecond' AS slow
                FROM devices LEFT JOIN device_clocks ON device_key = key
            ) device CROSS JOIN LATERAL (
                SELECT * FROM vitals WHERE device_key = device.key AND at >= $1::timestamptz - device.slow - {LATENESS} AND at < $2::timestamptz + {AHEAD}
                    AND received_at >= $1 AND received_at < $2
            ) frame ORDER BY received_at, device_key, at",
            columns()
        )
    })
}

pub(crate) const LAST_AT: &str = "-- frames::last_at
    SELECT wanted.key, newest.at FROM unnest($1::int4[]) AS wanted (key) CROSS JOIN LATERAL (
        SELECT at FROM vitals WHERE device_key = wanted.key AND at >= $2 ORDER BY at DESC LIMIT 1
    ) newest";

/// Frames in the order in which the engine saw them. Reads each device's own minutes by index: bounded by the span asked for.
pub async fn received_between(db: &impl Db, from: Timestamp, until: Timestamp) -> Result<Vec<Frame>, Error> {
    db.query(received_between_sql(), &[&At(from), &At(until)]).await?.iter().map(from_row).collect()
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
