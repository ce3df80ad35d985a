use std::sync::LazyLock;

use store::time::At;
use store::{Db, Error, Row, prepared};
use vitals::{SessionId, StationId, Timestamp, UserId};

use super::session::{Factor, IDLE_MS, Session};
use crate::identity::authenticate::roles_of;
use crate::identity::secret::Digest;
use crate::permission::{Permission, Role};

/// With the roles that hold now: every request asks this, so it asks once.
static FIND: LazyLock<String> = LazyLock::new(|| {
    format!(
        "-- portal::identity::sessions::find
        SELECT s.id, s.user_id, u.login, u.display_name, u.realm, s.station_id, s.factors, s.started_at, s.stepped_up_at,
            s.last_input_at, s.locked_at, s.expires_at, ARRAY({}) AS roles
        FROM sessions s JOIN users u ON u.id = s.user_id
        WHERE s.token_hash = $1 AND s.revoked_at IS NULL AND u.status = 'active' AND s.expires_at > $2
            AND s.last_input_at > $3",
        roles_of("s.user_id", "$2")
    )
});

const LIST: &str = "-- portal::identity::sessions::list
    SELECT s.id, s.user_id, u.login, u.display_name, u.realm, s.station_id, s.factors, s.started_at, s.stepped_up_at,
        s.last_input_at, s.locked_at, s.expires_at, host(s.address) AS address
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.user_id = $1 AND s.revoked_at IS NULL AND u.status = 'active' AND s.expires_at > $2 AND s.last_input_at > $3
    ORDER BY s.started_at DESC LIMIT 100";

/// Without one of a role that may see a wall there is no right to its socket.
const STANDING: &str = "-- portal::identity::sessions::standing
    SELECT s.id, least(s.expires_at, s.last_input_at + $3 * interval '1 millisecond', right_to.ends_at) AS ends_at
    FROM sessions s JOIN users u ON u.id = s.user_id CROSS JOIN LATERAL (
        SELECT max(coalesce(upper(g.during), 'infinity')) AS ends_at FROM role_grants g JOIN roles r ON r.id = g.role_id
        WHERE g.user_id = s.user_id AND r.code = ANY($4) AND g.during @> $2::timestamptz
            AND role_counts(g, r)
    ) right_to
    WHERE s.id = ANY($1) AND s.revoked_at IS NULL AND u.status = 'active' AND s.expires_at > $2
        AND right_to.ends_at IS NOT NULL";

const INSERT: &str = "-- portal::identity::sessions::insert
    INSERT INTO sessions (id, realm, token_hash, user_id, station_id, factors, address, started_at, last_input_at, expires_at)
    VALUES ($1, $10, $2, $3, $4, $5, $6, $7, $8, $9)";

/// The token it had is part of it, so that of two who change it at once one fails.
const CHANGE: &str = "-- portal::identity::sessions::change
    UPDATE sessions SET token_hash = $3, factors = $4, stepped_up_at = $5, last_input_at = $6, locked_at = $7, expires_at = $8
    WHERE id = $1 AND token_hash = $2 AND revoked_at IS NULL";

const INPUT: &str = "-- portal::identity::sessions::input
    UPDATE sessions SET last_input_at = $2 WHERE id = $1 AND revoked_at IS NULL AND last_input_at < $2";

/// Signed out by its own user at its own screen: where two factors were given, the PIN goes on until the shift ends.
const END: &str = "-- portal::identity::sessions::end
    UPDATE sessions SET revoked_at = $2 WHERE token_hash = $1 AND revoked_at IS NULL";

/// From elsewhere, so that nothing of it counts any more, for a PIN neither.
const REVOKE: &str = "-- portal::identity::sessions::revoke
    UPDATE sessions SET revoked_at = coalesce(revoked_at, $3), factors = '{}'
    WHERE user_id = $1 AND ($2::uuid[] IS NULL OR id = ANY($2)) AND ($4::uuid IS NULL OR id <> $4)
        AND (revoked_at IS NULL OR factors <> '{}')";

pub(crate) async fn find(db: &impl Db, token: &Digest, now: Timestamp) -> Result<Option<Session>, Error> {
    Ok(find_with_roles(db, token, now).await?.map(|(session, _)| session))
}

/// A role that this program does not know gives nothing.
pub(crate) async fn find_with_roles(
    db: &impl Db,
    token: &Digest,
    now: Timestamp,
) -> Result<Option<(Session, Vec<Role>)>, Error> {
    let since = now.plus_millis(-IDLE_MS);
    let found = prepared::query_opt(db, &FIND, &[&token.as_slice(), &At(now), &At(since)]).await?;
    let Some(row) = found else { return Ok(None) };
    let roles: Vec<&str> = row.try_get("roles")?;
    Ok(Some((session(&row)?, roles.into_iter().filter_map(Role::from_word).collect())))
}

/// With the address from where each began.
pub(crate) async fn list(db: &impl Db, user: UserId, now: Timestamp) -> Result<Vec<(Session, Option<String>)>, Error> {
    let rows = db.query(LIST, &[&user.0, &At(now), &At(now.plus_millis(-IDLE_MS))]).await?;
    rows.iter().map(|row| Ok((session(row)?, row.try_get("address")?))).collect()
}

/// Of these, those that go on and whose user may still do this, each with when that ends unless there is input.
pub(crate) async fn standing(
    db: &impl Db,
    sessions: &[uuid::Uuid],
    permission: Permission,
    now: Timestamp,
) -> Result<Vec<(SessionId, Timestamp)>, Error> {
    let holding = Role::ALL.iter().filter(|role| role.permissions().contains(&permission));
    let roles: Vec<_> = holding.map(|role| role.word()).collect();
    #[expect(clippy::cast_precision_loss, reason = "minutes in milliseconds")]
    let rows = db.query(STANDING, &[&sessions, &At(now), &(IDLE_MS as f64), &roles]).await?;
    rows.iter().map(|row| Ok((SessionId(row.try_get(0)?), row.try_get::<_, At>(1)?.0))).collect()
}

pub(crate) async fn insert(
    db: &impl Db,
    session: &Session,
    token: &Digest,
    address: Option<std::net::IpAddr>,
) -> Result<(), Error> {
    let Session { id, user, station, started_at, last_input_at, expires_at, .. } = session;
    let realm = session.realm.word();
    let times = [At(*started_at), At(*last_input_at), At(*expires_at)];
    let station = station.map(|station| station.0);
    let params: [&(dyn store::types::ToSql + Sync); 10] = [
        &id.0,
        &token.as_slice(),
        &user.0,
        &station,
        &words(session),
        &address,
        &times[0],
        &times[1],
        &times[2],
        &realm,
    ];
    db.execute(INSERT, &params).await?;
    Ok(())
}

/// False: somebody else changed or ended it meanwhile.
pub(crate) async fn change(db: &impl Db, session: &Session, had: &Digest, token: &Digest) -> Result<bool, Error> {
    let (stepped_up, locked) = (session.stepped_up_at.map(At), session.locked_at.map(At));
    let params: [&(dyn store::types::ToSql + Sync); 8] = [
        &session.id.0,
        &had.as_slice(),
        &token.as_slice(),
        &words(session),
        &stepped_up,
        &At(session.last_input_at),
        &locked,
        &At(session.expires_at),
    ];
    Ok(db.execute(CHANGE, &params).await? == 1)
}

pub(crate) async fn input(db: &impl Db, session: SessionId, now: Timestamp) -> Result<(), Error> {
    db.execute(INPUT, &[&session.0, &At(now)]).await?;
    Ok(())
}

pub(crate) async fn end(db: &impl Db, token: &Digest, now: Timestamp) -> Result<bool, Error> {
    Ok(db.execute(END, &[&token.as_slice(), &At(now)]).await? == 1)
}

/// Ends these of the user's sessions, or all of them where none is named; `but` stays. How many were ended.
pub(crate) async fn revoke(
    db: &impl Db,
    user: UserId,
    sessions: Option<&[SessionId]>,
    but: Option<SessionId>,
    now: Timestamp,
) -> Result<u64, Error> {
    let sessions = sessions.map(|sessions| sessions.iter().map(|session| session.0).collect::<Vec<_>>());
    Ok(db.execute(REVOKE, &[&user.0, &sessions, &At(now), &but.map(|but| but.0)]).await?)
}

fn words(session: &Session) -> Vec<&'static str> {
    session.factors.iter().map(|factor| factor.word()).collect()
}

fn session(row: &Row) -> Result<Session, Error> {
    let at = |name| row.try_get::<_, At>(name).map(|At(at)| at);
    let maybe = |name| row.try_get::<_, Option<At>>(name).map(|at| at.map(|At(at)| at));
    let factors: Vec<&str> = row.try_get("factors")?;
    Ok(Session {
        id: SessionId(row.try_get("id")?),
        user: UserId(row.try_get("user_id")?),
        login: row.try_get("login")?,
        display_name: row.try_get("display_name")?,
        realm: row.try_get::<_, &str>("realm")?.parse().map_err(|_| Error::Column("users.realm"))?,
        station: row.try_get::<_, Option<_>>("station_id")?.map(StationId),
        factors: factors.into_iter().filter_map(Factor::from_word).collect(),
        started_at: at("started_at")?,
        stepped_up_at: maybe("stepped_up_at")?,
        last_input_at: at("last_input_at")?,
        locked_at: maybe("locked_at")?,
        expires_at: at("expires_at")?,
    })
}
