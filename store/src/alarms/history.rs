//! What a restarted engine must know of the time before it.

use tokio_postgres::Row;
use vitals::Timestamp;

use super::AlarmRow;
use super::read::{alarm, alarm_columns};
use crate::time::At;
use crate::{Db, Error};

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[TOUCHING, RUNS];

/// Alarms of the last minutes that a restart reads: as many as may be active at once.
const MOST: i64 = 100_000;

/// Runs of the engine within minutes: a server that is restarted by its supervisor every second reaches this.
const MOST_RUNS: i64 = 1_000;

const TOUCHING: &str = concat!(
    "-- alarms::touching
    SELECT ",
    alarm_columns!(),
    " FROM alarms a JOIN rule_versions r ON r.id = a.rule_version_id
    WHERE a.ended_at IS NULL OR a.ended_at >= $1 ORDER BY a.raised_at DESC, a.id LIMIT $2"
);

const RUNS: &str = "-- alarms::runs
    SELECT started_at, stopped_before FROM (
        SELECT epoch, started_at, lag(stopped_at) OVER (ORDER BY epoch) AS stopped_before FROM engine_epochs
        ORDER BY epoch DESC LIMIT $2
    ) runs WHERE started_at >= $1 ORDER BY epoch";

/// Alarms that were active at `since` or later, newest first.
pub async fn touching(db: &impl Db, since: Timestamp) -> Result<Vec<AlarmRow>, Error> {
    db.query(TOUCHING, &[&At(since), &MOST]).await?.iter().map(alarm).collect()
}

/// The engine's runs that began at `since` or later, oldest first: (started, when the run before stopped, unless it
/// crashed or there was none).
pub async fn runs(db: &impl Db, since: Timestamp) -> Result<Vec<(Timestamp, Option<Timestamp>)>, Error> {
    let run = |row: &Row| Ok((row.try_get::<_, At>(0)?.0, row.try_get::<_, Option<At>>(1)?.map(|at| at.0)));
    db.query(RUNS, &[&At(since), &MOST_RUNS]).await?.iter().map(run).collect()
}
