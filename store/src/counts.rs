use crate::{Db, Error};

pub(crate) const COUNTS: &str = "-- counts::counts
    SELECT (SELECT count(*) FROM vitals), (SELECT count(*) FROM alarms),
        (SELECT coalesce(sum(count), 0)::int8 FROM quarantine)";

/// Rows of vitals and alarms, and how often something was refused. Reads all of them: for checks, not for screens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub vitals: i64,
    pub alarms: i64,
    pub quarantined: i64,
}

pub async fn counts(db: &impl Db) -> Result<Counts, Error> {
    let row = db.query_one(COUNTS, &[]).await?;
    Ok(Counts { vitals: row.try_get(0)?, alarms: row.try_get(1)?, quarantined: row.try_get(2)? })
}
