use vitals::Timestamp;

use crate::time::At;
use crate::{Db, Error};

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[BEGIN, END, END_CRASHED, PREVIOUS, LAST_HEARD];

const BEGIN: &str = "-- alarms::begin_epoch
    INSERT INTO engine_epochs (started_at) VALUES ($1) RETURNING epoch";

const END: &str = "-- alarms::end_epoch
    UPDATE engine_epochs SET stopped_at = $2 WHERE epoch = $1";

const END_CRASHED: &str = "-- alarms::end_crashed
    UPDATE engine_epochs SET stopped_at = $1
    WHERE epoch = (SELECT max(epoch) FROM engine_epochs) AND stopped_at IS NULL";

const PREVIOUS: &str = "-- alarms::last_stop
    SELECT started_at, stopped_at FROM engine_epochs ORDER BY epoch DESC LIMIT 1";

/// The newest row of each device, by its index: no index is on `received_at`.
const LAST_HEARD: &str = "-- alarms::last_stop
    SELECT max(newest.received_at) FROM devices CROSS JOIN LATERAL (
        SELECT received_at FROM vitals WHERE device_key = devices.key AND at >= $1 ORDER BY at DESC LIMIT 1
    ) newest";

/// How far a device's clock may lag behind and its last frame still tell when a crash was.
const CLOCK_LAG_MS: i64 = 24 * 3_600_000;

/// How far back the last frame is looked for at first: most crashes are followed by a start at once, and an epoch may have
/// lasted for hundreds of chunks.
const LOOK_BACK_MS: i64 = 2 * 24 * 3_600_000;

/// How much further when nothing certain was found.
const WIDER: i64 = 4;

/// One run of the engine begins; the answer is the epoch of its transitions.
pub async fn begin_epoch(db: &impl Db, started_at: Timestamp) -> Result<i64, Error> {
    Ok(db.query_one(BEGIN, &[&At(started_at)]).await?.try_get(0)?)
}

pub async fn end_epoch(db: &impl Db, epoch: i64, stopped_at: Timestamp) -> Result<(), Error> {
    db.execute(END, &[&epoch, &At(stopped_at)]).await?;
    Ok(())
}

/// The newest epoch crashed if it has no end, and then this was it: a later replay finds the same.
pub async fn end_crashed(db: &impl Db, stopped_at: Timestamp) -> Result<(), Error> {
    db.execute(END_CRASHED, &[&At(stopped_at)]).await?;
    Ok(())
}

/// When the newest epoch ended: asked before the next one begins. After a crash the last frame stored tells, or the
/// epoch's start where there is none. None: the engine never ran.
pub async fn last_stop(db: &impl Db, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let Some(epoch) = db.query_opt(PREVIOUS, &[]).await? else { return Ok(None) };
    let At(started_at) = epoch.try_get(0)?;
    if let Some(At(stopped_at)) = epoch.try_get(1)? {
        return Ok(Some(stopped_at));
    }
    let earliest = started_at.plus_millis(-CLOCK_LAG_MS);
    let mut back_ms = LOOK_BACK_MS;
    loop {
        let floor = now.plus_millis(-back_ms).max(earliest);
        let heard: Option<At> = db.query_one(LAST_HEARD, &[&At(floor)]).await?.try_get(0)?;
        let heard = heard.map(|At(heard)| heard);
        // A frame received later than this one lies behind the floor only if its clock lags by more than is minded.
        let certain = heard.is_some_and(|heard| heard.plus_millis(-CLOCK_LAG_MS) >= floor);
        if certain || floor == earliest {
            return Ok(Some(heard.map_or(started_at, |heard| heard.max(started_at))));
        }
        back_ms = back_ms.saturating_mul(WIDER);
    }
}
