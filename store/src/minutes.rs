//! The roll-up: recomputes whole minutes from `vitals`, for those that were marked.

use std::sync::OnceLock;

use vitals::Timestamp;

use crate::columns::{each, real, worthy};
use crate::time::At;
use crate::{Db, Error};

#[cfg(feature = "testing")]
pub(crate) fn statements() -> [&'static str; 2] {
    [BOUNDS, recompute_sql()]
}

/// The span of the marks that `RECOMPUTE` will take: as plain parameters they keep the other chunks shut. At most a day
/// of it, since a backlog may reach over hundreds of chunks.
const BOUNDS: &str = "-- minutes::bounds
    WITH oldest AS (SELECT minute FROM vitals_dirty WHERE minute < $1 ORDER BY minute LIMIT $2)
    SELECT min(minute), max(minute) FROM oldest
    WHERE minute < (SELECT min(minute) FROM oldest) + INTERVAL '1 day'";

/// Marks and rows are read as of one moment: a mark that commits later stays, and its minute is computed again. A minute
/// that lost its frames keeps a row without values: a DELETE would open every chunk. Each value is judged once, behind the
/// fence (OFFSET 0): beside the sums it would be judged in all five of them.
fn recompute_sql() -> &'static str {
    static SQL: OnceLock<String> = OnceLock::new();
    SQL.get_or_init(|| {
        let columns = each(|key| format!("{key}_n, {key}_min, {key}_max, {key}_mean, {key}_last"));
        let sums = each(|key| {
            format!(
                "nullif(count({key}), 0) AS {key}_n, min({key}) AS {key}_min, max({key}) AS {key}_max,
                avg({key}) AS {key}_mean, last({key}, at) FILTER (WHERE {key} IS NOT NULL) AS {key}_last"
            )
        });
        let update = each(|key| {
            ["n", "min", "max", "mean", "last"].map(|part| format!("{key}_{part} = excluded.{key}_{part}")).join(", ")
        });
        format!(
            "-- minutes::recompute
            WITH taken AS (
                DELETE FROM vitals_dirty WHERE ctid = ANY (ARRAY(
                    SELECT ctid FROM vitals_dirty WHERE minute >= $1 AND minute <= $2
                    ORDER BY minute LIMIT $3 FOR UPDATE SKIP LOCKED
                )) RETURNING device_key, minute
            ), computed AS (
                SELECT * FROM (SELECT DISTINCT device_key, minute FROM taken) pairs CROSS JOIN LATERAL (
                    SELECT count(*) AS frames, {sums} FROM (
                        SELECT at, {worthy} FROM vitals
                        WHERE vitals.device_key = pairs.device_key AND {real}
                            AND at >= pairs.minute AND at < pairs.minute + INTERVAL '1 minute'
                            AND at >= $1 AND at < $2 + INTERVAL '1 minute'
                        OFFSET 0
                    ) rows
                ) sums
            ), filled AS (
                INSERT INTO vitals_minute (device_key, minute, {columns})
                SELECT device_key, minute, {columns} FROM computed c
                WHERE frames > 0 OR EXISTS (
                    SELECT FROM vitals_minute m WHERE m.device_key = c.device_key AND m.minute = c.minute
                        AND m.minute >= $1 AND m.minute <= $2
                ) ORDER BY device_key, minute
                ON CONFLICT (device_key, minute) DO UPDATE SET {update}, computed_at = now()
            )
            SELECT count(*) FROM taken",
            worthy = each(worthy),
            real = real(),
        )
    })
}

/// Takes at most `marks` of the oldest marks before `before`, within a day, recomputes their minutes, and answers how
/// many it took: 0 means that none are left. A writer that adds to a minute before `before` marks it again.
pub async fn recompute(db: &impl Db, before: Timestamp, marks: i64) -> Result<u64, Error> {
    let bounds = db.query_one(BOUNDS, &[&At(before), &marks]).await?;
    let (Some(oldest), Some(newest)) = (bounds.try_get::<_, Option<At>>(0)?, bounds.try_get::<_, Option<At>>(1)?)
    else {
        return Ok(0);
    };
    let taken: i64 = db.query_one(recompute_sql(), &[&oldest, &newest, &marks]).await?.try_get(0)?;
    Ok(taken.unsigned_abs())
}
