//! Where in `vitals` lies what was received when: no index orders rows by receive time, each device's own clock tells.

use std::collections::BTreeMap;

use tokio_postgres::types::ToSql;
use vitals::{DeviceKey, Timestamp};

use crate::time::At;
use crate::{Db, Error};

/// How far a frame's corrected event time may lie from its receive time and still be read back: the longest live window
/// and slack. A backlog from before is left out: it is judged on nothing.
pub const LATENESS_MS: i64 = 5 * 60_000;

/// Event time runs ahead of receive time by no more than what ingest stores (two minutes).
const AHEAD_MS: i64 = 2 * 60_000;

/// A clock that is slow by no more counts as right: a little more is read instead of a part for each such device.
const RIGHT_US: i64 = 60_000_000;

/// Devices whose clocks are slow by as many whole days lie in the same chunks.
const DAY_MS: i64 = 86_400_000;

pub(crate) const SLOW: &str = "-- spans::slow
    SELECT key, coalesce(offset_us, 0) FROM devices LEFT JOIN device_clocks ON device_key = key";

/// Before a statement over spans, in a transaction of its own: the keys of a ward are found in the index and their rows read
/// page by page, whatever the planner has heard of a chunk that is minutes old. The sort gets room.
pub const UNHURRIED: &str = "SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB';
    SET LOCAL enable_seqscan = off; SET LOCAL enable_indexscan = off";

/// Some devices' rows received from `from` on, with `at` from `low` to `high`.
struct Span {
    from: At,
    low: At,
    high: At,
    keys: Vec<i32>,
    /// By how much each one's clock is slow, in µs; None: all are right.
    slow: Option<Vec<i64>>,
}

/// Whether a span speaks of slow clocks.
pub(crate) type Shape = bool;

pub(crate) struct Spans {
    until: At,
    spans: Vec<Span>,
}

impl Spans {
    pub(crate) async fn new(
        db: &impl Db,
        from: impl Fn(DeviceKey) -> Option<Timestamp>,
        until: Timestamp,
    ) -> Result<Self, Error> {
        let mut right: BTreeMap<Timestamp, Vec<i32>> = BTreeMap::new();
        // By days; those of less than one as well as of more are read in the days before `from`.
        let mut slow: BTreeMap<(Timestamp, i64), (Vec<i32>, Vec<i64>)> = BTreeMap::new();
        for row in db.query(SLOW, &[]).await? {
            let (key, slow_us): (i32, i64) = (row.try_get(0)?, row.try_get(1)?);
            let Some(from) = from(DeviceKey(key)) else { continue };
            if slow_us <= RIGHT_US {
                right.entry(from).or_default().push(key);
                continue;
            }
            let days = slow_us / (DAY_MS * 1_000);
            for days in if days == 0 { vec![0] } else { vec![0, days] } {
                let (keys, us) = slow.entry((from, days)).or_default();
                keys.push(key);
                us.push(slow_us);
            }
        }
        let right = right.into_iter().map(|(from, keys)| {
            let low = from.plus_millis(-LATENESS_MS - RIGHT_US / 1_000);
            Span { from: At(from), low: At(low), high: At(until.plus_millis(AHEAD_MS)), keys, slow: None }
        });
        let slow = slow.into_iter().map(|((from, days), (keys, us))| {
            let usual = from.plus_millis(-DAY_MS - LATENESS_MS);
            let ends = until.plus_millis(AHEAD_MS - days * DAY_MS);
            let high = if days == 0 { ends } else { ends.min(usual) };
            let low = usual.plus_millis(-days * DAY_MS);
            Span { from: At(from), low: At(low), high: At(high), keys, slow: Some(us) }
        });
        Ok(Self { until: At(until), spans: right.chain(slow).collect() })
    }

    pub(crate) fn shape(&self) -> Vec<Shape> {
        self.spans.iter().map(|span| span.slow.is_some()).collect()
    }

    /// In the order in which `sql` numbers them.
    pub(crate) fn parameters(&self) -> Vec<&(dyn ToSql + Sync)> {
        let mut parameters: Vec<&(dyn ToSql + Sync)> = vec![&self.until];
        for Span { from, low, high, keys, slow } in &self.spans {
            parameters.extend([from as &(dyn ToSql + Sync), low, high, keys]);
            parameters.extend(slow.as_ref().map(|slow| slow as &(dyn ToSql + Sync)));
        }
        parameters
    }
}

/// The bounds of event time are plain parameters, so that chunks outside are never opened; what a slow device's own clock
/// says narrows it further.
pub(crate) fn sql(shape: &[Shape], columns: &str) -> String {
    let mut next = 2;
    let mut parts: Vec<_> = shape.iter().map(|slow| part(*slow, columns, &mut next)).collect();
    if parts.is_empty() {
        parts.push(format!("SELECT {columns} FROM vitals WHERE received_at < $1 AND false"));
    }
    parts.join(" UNION ALL ")
}

fn part(slow: bool, columns: &str, next: &mut usize) -> String {
    let [from, low, high, keys] = [0, 1, 2, 3].map(|place| *next + place);
    *next += 4;
    let rows = |of: &str| {
        format!(
            "SELECT {columns} FROM vitals WHERE device_key = {of} AND at >= ${low} AND at < ${high}
                AND received_at >= ${from} AND received_at < $1"
        )
    };
    if !slow {
        return rows(&format!("ANY(${keys})"));
    }
    let slow = *next;
    *next += 1;
    format!(
        "SELECT frame.* FROM unnest(${keys}::int4[], ${slow}::int8[]) AS device (key, slow_us) CROSS JOIN LATERAL (
            {} AND at >= ${from} - device.slow_us * interval '1 microsecond' - {LATENESS_MS} * interval '1 millisecond'
        ) frame",
        rows("device.key")
    )
}
