use store::time::At;
use store::{Db, Error, Row, prepared};
use uuid::Uuid;
use vitals::{Realm, StationId, Timestamp, UserId};

use super::model::{NewStation, StationPrivacy, StationView};
use crate::identity::secret::Digest;

const BY_TOKEN: &str = "-- portal::identity::stations::by_token
    SELECT s.id, s.realm, s.expires_at, s.token_hash = $1 AS newest, s.token_hash = $1 AND o.station_id IS NOT NULL AS arrived
    FROM stations s LEFT JOIN station_old_tokens o ON o.station_id = s.id
    WHERE s.revoked_at IS NULL AND (s.token_hash = $1 AND s.expires_at > $2 OR o.digest = $1 AND o.expires_at > $2)";

const ARRIVED: &str = "-- portal::identity::stations::arrived
    DELETE FROM station_old_tokens WHERE station_id = $1";

const STANDING: &str = "-- portal::identity::stations::standing
    SELECT id FROM stations WHERE id = ANY($1) AND revoked_at IS NULL AND expires_at > $2";

const OF: &str = "-- portal::identity::stations::of
    SELECT id, name, mode, location_id, privacy, token_hash IS NOT NULL AS enrolled, expires_at, revoked_at IS NOT NULL AS revoked,
        version
    FROM stations WHERE id = $1";

const LIST: &str = "-- portal::identity::stations::list
    SELECT id, name, mode, location_id, privacy, token_hash IS NOT NULL AS enrolled, expires_at, revoked_at IS NOT NULL AS revoked,
        version
    FROM stations WHERE realm = $1 ORDER BY revoked_at IS NOT NULL, name, id LIMIT 1000";

const INSERT: &str = "-- portal::identity::stations::insert
    INSERT INTO stations (id, realm, location_id, name, mode, privacy) VALUES ($1, $2, $3, $4, $5, $6)";

const SET_PRIVACY: &str = "-- portal::identity::stations::set_privacy
    UPDATE stations SET privacy = $3 WHERE id = $1 AND realm = $2 AND revoked_at IS NULL";

const REVOKE: &str = "-- portal::identity::stations::revoke
    UPDATE stations SET revoked_at = $3 WHERE id = $1 AND realm = $2 AND revoked_at IS NULL";

/// Whoever was identified there.
const END_SESSIONS: &str = "-- portal::identity::stations::end_sessions
    UPDATE sessions SET revoked_at = coalesce(revoked_at, $2), factors = '{}' WHERE station_id = $1";

const NEW_CODE: &str = "-- portal::identity::stations::new_code
    INSERT INTO one_time_codes (id, purpose, digest, station_id, made_at, made_by, expires_at)
    VALUES ($1, 'station', $2, $3, $4, $5, $6)";

const VOID_CODES: &str = "-- portal::identity::stations::void_codes
    UPDATE one_time_codes SET used_at = $2 WHERE station_id = $1 AND used_at IS NULL";

/// Of two who redeem it at once one gets it.
const REDEEM: &str = "-- portal::identity::stations::redeem
    UPDATE one_time_codes SET used_at = $2 WHERE digest = $1 AND purpose = 'station' AND used_at IS NULL AND expires_at > $2
    RETURNING station_id";

const SET_TOKEN: &str = "-- portal::identity::stations::set_token
    UPDATE stations SET token_hash = $2, expires_at = $3 WHERE id = $1 AND revoked_at IS NULL";

const KEEP_OLD: &str = "-- portal::identity::stations::keep_old
    INSERT INTO station_old_tokens (station_id, digest, expires_at) VALUES ($1, $2, $3)
    ON CONFLICT (station_id) DO UPDATE SET digest = excluded.digest, expires_at = excluded.expires_at";

/// A screen that proved which station it is.
pub(crate) struct Station {
    pub(crate) id: StationId,
    pub(crate) realm: Realm,
    /// Of its newest token.
    pub(crate) expires_at: Timestamp,
    /// Whether it came with that one.
    pub(crate) newest: bool,
}

/// The station that has this token. Once a new one comes, the one before it is worth nothing.
pub(crate) async fn by_token(db: &impl Db, token: &Digest, now: Timestamp) -> Result<Option<Station>, Error> {
    let Some(row) = prepared::query_opt(db, BY_TOKEN, &[&token.as_slice(), &At(now)]).await? else { return Ok(None) };
    let id: Uuid = row.try_get("id")?;
    if row.try_get("arrived")? {
        db.execute(ARRIVED, &[&id]).await?;
    }
    Ok(Some(Station {
        id: StationId(id),
        realm: row.try_get::<_, &str>("realm")?.parse().map_err(|_| Error::Column("stations.realm"))?,
        expires_at: row.try_get::<_, At>("expires_at")?.0,
        newest: row.try_get("newest")?,
    }))
}

pub(crate) async fn standing(db: &impl Db, stations: &[Uuid], now: Timestamp) -> Result<Vec<StationId>, Error> {
    let rows = db.query(STANDING, &[&stations, &At(now)]).await?;
    rows.iter().map(|row| Ok(StationId(row.try_get(0)?))).collect()
}

pub(crate) async fn of(db: &impl Db, station: Option<StationId>) -> Result<Option<StationView>, Error> {
    let Some(station) = station else { return Ok(None) };
    db.query_opt(OF, &[&station.0]).await?.as_ref().map(view).transpose()
}

pub(super) async fn list(db: &impl Db, realm: Realm) -> Result<Vec<StationView>, Error> {
    db.query(LIST, &[&realm.word()]).await?.iter().map(view).collect()
}

pub(super) async fn insert(db: &impl Db, id: StationId, realm: Realm, new: &NewStation) -> Result<(), Error> {
    let (mode, privacy) = (new.mode.word(), new.privacy.word());
    db.execute(INSERT, &[&id.0, &realm.word(), &new.location_id, &new.name, &mode, &privacy]).await?;
    Ok(())
}

pub(super) async fn set_privacy(
    db: &impl Db,
    id: StationId,
    realm: Realm,
    privacy: StationPrivacy,
) -> Result<bool, Error> {
    Ok(db.execute(SET_PRIVACY, &[&id.0, &realm.word(), &privacy.word()]).await? == 1)
}

pub(super) async fn revoke(db: &impl Db, id: StationId, realm: Realm, now: Timestamp) -> Result<bool, Error> {
    let revoked = db.execute(REVOKE, &[&id.0, &realm.word(), &At(now)]).await? == 1;
    if revoked {
        db.execute(END_SESSIONS, &[&id.0, &At(now)]).await?;
        db.execute(VOID_CODES, &[&id.0, &At(now)]).await?;
    }
    Ok(revoked)
}

/// Good from `now` to `until`; an earlier one is void.
pub(super) async fn new_code(
    db: &impl Db,
    station: StationId,
    code: &Digest,
    by: Option<UserId>,
    (now, until): (Timestamp, Timestamp),
) -> Result<(), Error> {
    db.execute(VOID_CODES, &[&station.0, &At(now)]).await?;
    let (id, by) = (vitals::CorrelationId::new(now).0, by.map(|by| by.0));
    db.execute(NEW_CODE, &[&id, &code.as_slice(), &station.0, &At(now), &by, &At(until)]).await?;
    Ok(())
}

/// The station whose code it is.
pub(super) async fn redeem(db: &impl Db, code: &Digest, now: Timestamp) -> Result<Option<StationId>, Error> {
    let row = db.query_opt(REDEEM, &[&code.as_slice(), &At(now)]).await?;
    row.map(|row| Ok(StationId(row.try_get(0)?))).transpose()
}

/// False: it was revoked. `old`, with its end, stays good until the new one arrives; without it whatever was is void.
pub(super) async fn set_token(
    db: &impl Db,
    station: StationId,
    token: &Digest,
    until: Timestamp,
    old: Option<(&Digest, Timestamp)>,
) -> Result<bool, Error> {
    match old {
        Some((digest, until)) => db.execute(KEEP_OLD, &[&station.0, &digest.as_slice(), &At(until)]).await?,
        None => db.execute(ARRIVED, &[&station.0]).await?,
    };
    Ok(db.execute(SET_TOKEN, &[&station.0, &token.as_slice(), &At(until)]).await? == 1)
}

fn view(row: &Row) -> Result<StationView, Error> {
    Ok(StationView {
        id: StationId(row.try_get("id")?),
        name: row.try_get("name")?,
        mode: row.try_get("mode")?,
        location_id: row.try_get::<_, Uuid>("location_id")?.to_string(),
        privacy: row.try_get("privacy")?,
        enrolled: row.try_get("enrolled")?,
        expires_at: row.try_get::<_, Option<At>>("expires_at")?.map(|At(at)| at),
        revoked: row.try_get("revoked")?,
        version: row.try_get("version")?,
    })
}
