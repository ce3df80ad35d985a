use crate::{Db, Error};

pub(crate) const READINGS: &str = "-- counts::readings
    SELECT (SELECT count(*) FROM vitals), (SELECT coalesce(sum(count), 0)::int8 FROM quarantine)";

pub(crate) const ALARMS: &str = "-- counts::alarms
    SELECT count(*) FROM alarms";

/// Rows of vitals and alarms, and how often something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub vitals: i64,
    pub alarms: i64,
    pub quarantined: i64,
}

/// Asks as the parts that write them. Reads all of them: for checks, not for screens.
pub async fn counts(ingest: &impl Db, alerting: &impl Db) -> Result<Counts, Error> {
    let readings = ingest.query_one(READINGS, &[]).await?;
    let alarms = alerting.query_one(ALARMS, &[]).await?.try_get(0)?;
    Ok(Counts { vitals: readings.try_get(0)?, alarms, quarantined: readings.try_get(1)? })
}
