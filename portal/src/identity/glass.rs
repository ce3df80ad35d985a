use store::time::At;
use store::{Db, Error, Row};
use uuid::Uuid;
use vitals::Timestamp;

use super::sessions::{IDLE_MS, LOCKS_MS};
use crate::caller::Who;

const OF_SESSION: &str = "-- portal::identity::glass::of_session
    SELECT locked_at IS NULL AND last_input_at > $2, last_input_at, expires_at FROM sessions WHERE id = $1 AND revoked_at IS NULL";

/// With the newest session that has not ended there, if any.
const OF_STATION: &str = "-- portal::identity::glass::of_station
    SELECT s.privacy, coalesce(x.locked_at IS NULL AND x.last_input_at > $2, true), x.last_input_at, x.expires_at
    FROM stations s LEFT JOIN LATERAL (
        SELECT x.locked_at, x.last_input_at, x.expires_at FROM sessions x
        WHERE x.station_id = s.id AND x.revoked_at IS NULL AND x.expires_at > $3 AND x.last_input_at > $4
        ORDER BY x.started_at DESC LIMIT 1
    ) x ON true
    WHERE s.id = $1 AND s.revoked_at IS NULL";

/// What a screen shows of a name. A station's glass is read by whoever passes, so that its own setting holds whoever is
/// identified there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Names {
    Whole,
    Initials,
    #[default]
    Nothing,
}

/// What a glass calls people, and until when without any input, where somebody has to be there for it. Nothing, too, where
/// the right to look has ended: the socket goes next.
pub(crate) async fn names_on_glass(
    db: &impl Db,
    who: Who,
    now: Timestamp,
) -> Result<(Names, Option<Timestamp>), Error> {
    let busy_since = At(now.plus_millis(-LOCKS_MS));
    let (open, names, until) = match (who, who.station()) {
        (Who::User { session, .. }, None) => {
            let row = db.query_opt(OF_SESSION, &[&session.0, &busy_since]).await?;
            match row {
                Some(row) => (row.try_get(0)?, Names::Whole, locks_at(&row, 1)?),
                None => (false, Names::Nothing, None),
            }
        }
        (_, Some(station)) => of_station(db, station.0, busy_since, now).await?,
        (Who::Station(_) | Who::System(_) | Who::Nobody, None) => (false, Names::Nothing, None),
    };
    Ok((if open { names } else { Names::Nothing }, until))
}

/// By its last input and its end, from this column on; None where there is no session.
fn locks_at(row: &Row, column: usize) -> Result<Option<Timestamp>, Error> {
    let [input, end] = [row.try_get::<_, Option<At>>(column)?, row.try_get(column + 1)?];
    Ok(input.zip(end).map(|(At(input), At(end))| input.plus_millis(LOCKS_MS).min(end)))
}

async fn of_station(
    db: &impl Db,
    station: Uuid,
    busy_since: At,
    now: Timestamp,
) -> Result<(bool, Names, Option<Timestamp>), Error> {
    let not_idle = At(now.plus_millis(-IDLE_MS));
    let Some(row) = db.query_opt(OF_STATION, &[&station, &busy_since, &At(now), &not_idle]).await? else {
        return Ok((false, Names::Nothing, None));
    };
    let names = match row.try_get(0)? {
        "names" => Names::Whole,
        "initials" => Names::Initials,
        _ => Names::Nothing,
    };
    Ok((row.try_get(1)?, names, locks_at(&row, 2)?))
}
