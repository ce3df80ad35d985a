use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::Json;
use vitals::{AlarmId, DeviceKey, Priority, RuleVersion, RuleVersionId, Timestamp, What};

use super::body::Body;
use super::{AlarmRow, TransitionRow};
use crate::time::At;
use crate::{Db, Error};

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[ACTIVE, PAGE, AFTER];

/// Alarms that may be active at once and still be read: every rule of a cell's 2,000 devices, several times over.
const MOST_ACTIVE: i64 = 100_000;

macro_rules! alarm_columns {
    () => {
        "a.id, a.device_key, a.onset_at, a.raised_at, a.ended_at, a.value, r.id,
        (SELECT code FROM rules WHERE rules.id = r.rule_id), r.priority, r.body"
    };
}
pub(super) use alarm_columns;

const ACTIVE: &str = concat!(
    "-- alarms::active
    SELECT ",
    alarm_columns!(),
    " FROM alarms a JOIN rule_versions r ON r.id = a.rule_version_id
    WHERE a.ended_at IS NULL ORDER BY a.raised_at DESC, a.id LIMIT $1"
);

/// The first comparison is what the index can use, the second what decides between alarms of one moment.
const PAGE: &str = concat!(
    "-- alarms::page
    SELECT ",
    alarm_columns!(),
    " FROM alarms a JOIN rule_versions r ON r.id = a.rule_version_id
    WHERE a.raised_at <= $1 AND (a.raised_at < $1 OR a.id > $2) AND (a.ended_at IS NULL OR NOT $3)
        AND device_seen(a.device_key, a.onset_at)
    ORDER BY a.raised_at DESC, a.id LIMIT $4"
);

const AFTER: &str = concat!(
    "-- alarms::after
    SELECT ",
    alarm_columns!(),
    ", t.epoch, t.seq, t.what, t.at, t.received_at, t.value FROM alarm_transitions t
    JOIN alarms a ON a.id = t.alarm_id JOIN rule_versions r ON r.id = a.rule_version_id
    WHERE (t.epoch, t.seq) > ($1, $2) AND device_seen(a.device_key, a.onset_at) ORDER BY t.epoch, t.seq LIMIT $3"
);

/// Newest first.
pub async fn active(db: &impl Db) -> Result<Vec<AlarmRow>, Error> {
    db.query(ACTIVE, &[&MOST_ACTIVE]).await?.iter().map(alarm).collect()
}

/// As far as whoever acts may see them, newest first, after the alarm (raised at, id) that the page before ended with.
pub async fn page(
    db: &impl Db,
    before: Option<(Timestamp, AlarmId)>,
    active_only: bool,
    limit: i64,
) -> Result<Vec<AlarmRow>, Error> {
    // Later than any alarm; what `At` makes of it is PostgreSQL's `infinity`.
    let (raised_at, id) = before.unwrap_or((Timestamp::from_micros(i64::MAX), AlarmId(uuid::Uuid::nil())));
    db.query(PAGE, &[&At(raised_at), &id.0, &active_only, &limit]).await?.iter().map(alarm).collect()
}

/// The transitions after a resume token, as far as whoever acts may see them, with their alarms as they stand now.
pub async fn after(db: &impl Db, epoch: i64, seq: i64, limit: i64) -> Result<Vec<(TransitionRow, AlarmRow)>, Error> {
    let rows = db.query(AFTER, &[&epoch, &seq, &limit]).await?;
    rows.iter().map(|row| Ok((transition(row)?, alarm(row)?))).collect()
}

pub(super) fn alarm(row: &Row) -> Result<AlarmRow, Error> {
    Ok(AlarmRow {
        id: AlarmId(row.try_get(0)?),
        device: row.try_get::<_, Option<i32>>(1)?.map(DeviceKey),
        onset_at: row.try_get::<_, At>(2)?.0,
        raised_at: row.try_get::<_, At>(3)?.0,
        ended_at: row.try_get::<_, Option<At>>(4)?.map(|at| at.0),
        value: row.try_get(5)?,
        rule: Arc::new(RuleVersion {
            id: RuleVersionId(row.try_get(6)?),
            code: row.try_get(7)?,
            priority: Priority::from_word(row.try_get(8)?).ok_or(Error::Column("priority"))?,
            condition: row.try_get::<_, Json<Body>>(9)?.0.into(),
        }),
    })
}

fn transition(row: &Row) -> Result<TransitionRow, Error> {
    Ok(TransitionRow {
        epoch: row.try_get(10)?,
        seq: row.try_get(11)?,
        what: What::from_word(row.try_get(12)?).ok_or(Error::Column("what"))?,
        at: row.try_get::<_, At>(13)?.0,
        received_at: row.try_get::<_, At>(14)?.0,
        value: row.try_get(15)?,
    })
}
