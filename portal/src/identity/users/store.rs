use store::time::At;
use store::{Db, Error, Row};
use uuid::Uuid;
use vitals::{CorrelationId, PatientId, Realm, RoleGrantId, Timestamp, UserId};

use super::model::User;
use crate::caller::Part;
use crate::permission::Role;

const LIST: &str = "-- portal::identity::users::list
    SELECT u.id, u.login, u.display_name, u.status, u.version, ARRAY(
        SELECT DISTINCT r.code FROM role_grants g JOIN roles r ON r.id = g.role_id
        WHERE g.user_id = u.id AND g.during @> $3::timestamptz
            AND role_counts(g, r)
    ) AS roles
    FROM users u WHERE ($1::text IS NULL OR u.realm = $1) AND ($2::uuid IS NULL OR u.id < $2)
        AND ($5::uuid IS NULL OR u.id = $5)
    ORDER BY u.id DESC LIMIT $4";

const INSERT: &str = "-- portal::identity::users::insert
    INSERT INTO users (id, realm, login, display_name) VALUES ($1, $2, $3, $4)";

const PRACTISES: &str = "-- portal::identity::users::practises
    UPDATE users SET practitioner_id = $2 WHERE id = $1 AND practitioner_id IS NULL";

const RENAME: &str = "-- portal::identity::users::rename
    UPDATE users SET login = $2, display_name = $3 WHERE id = $1 AND status = 'invited'";

const ACTIVATE: &str = "-- portal::identity::users::activate
    UPDATE users SET status = 'active' WHERE id = $1 AND status = 'invited'";

const DISABLE: &str = "-- portal::identity::users::disable
    UPDATE users SET status = 'disabled', disabled_at = $3
    WHERE id = $1 AND ($2::text IS NULL OR realm = $2) AND status <> 'disabled'";

const OWN_RECORD: &str = "-- portal::identity::users::own_record
    INSERT INTO own_records (id, realm, user_id, patient_id)
    SELECT $1, u.realm, u.id, p.id FROM users u JOIN patients p ON p.realm = u.realm WHERE u.id = $2 AND p.id = $3
    ON CONFLICT (user_id, patient_id) DO UPDATE SET superseded_at = NULL";

const NOT_OWN_RECORD: &str = "-- portal::identity::users::not_own_record
    UPDATE own_records SET superseded_at = $3 WHERE user_id = $1 AND patient_id = $2 AND superseded_at IS NULL";

const BY_LOGIN: &str = "-- portal::identity::users::by_login
    SELECT id FROM users WHERE login = $1";

/// Whoever makes or removes an administrator waits here for whoever does at the same time.
const LOCK_ADMINISTRATORS: &str = "-- portal::identity::users::lock_administrators
    SELECT pg_advisory_xact_lock($1)";

const ADMINISTRATORS: &str = "-- portal::identity::users::administrators
    SELECT count(DISTINCT u.id) FROM users u JOIN role_grants g ON g.user_id = u.id JOIN roles r ON r.id = g.role_id
    WHERE u.status = 'active' AND r.code = 'administrator' AND g.during @> $1::timestamptz
        AND role_counts(g, r)
        AND u.realm = $2";

const ADMINISTERS: &str = "-- portal::identity::users::administers
    SELECT EXISTS (SELECT FROM users u JOIN role_grants g ON g.user_id = u.id JOIN roles r ON r.id = g.role_id
        WHERE u.id = $2 AND u.status = 'active' AND r.code = 'administrator' AND g.during @> $1::timestamptz
            AND role_counts(g, r))";

/// Whoever is one for a while only is none who is left.
const LAST_ADMINISTRATOR: &str = "-- portal::identity::users::last_administrator
    WITH administrators AS (
        SELECT u.id, u.realm, g.id AS grant_id, upper_inf(g.during) AS lasts
        FROM users u JOIN role_grants g ON g.user_id = u.id JOIN roles r ON r.id = g.role_id
        WHERE u.status = 'active' AND r.code = 'administrator' AND g.during @> $1::timestamptz
            AND role_counts(g, r)
    )
    SELECT EXISTS (
        SELECT FROM administrators one WHERE one.id = $2 AND ($3::uuid IS NULL OR one.grant_id = $3) AND NOT EXISTS (
            SELECT FROM administrators other WHERE other.realm = one.realm AND other.lasts
                AND CASE WHEN $3::uuid IS NULL THEN other.id <> $2 ELSE other.grant_id <> $3 END))";

const MAKE_ADMINISTRATOR: &str = "-- portal::identity::users::make_administrator
    INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
    SELECT $1, $2, $3, id, tstzrange($4, NULL), $5 FROM roles WHERE code = 'administrator'";

/// `administrators` as a number of our own.
const ADMINISTRATORS_LOCK: i64 = 0x7669_6769_6c61_646d;

/// Newest first; `before` is the last one of the page before, `only` the one that is wanted.
pub(crate) async fn list(
    db: &impl Db,
    realm: Option<Realm>,
    (before, limit): (Option<Uuid>, i64),
    only: Option<UserId>,
    now: Timestamp,
) -> Result<Vec<User>, Error> {
    let (realm, only) = (realm.map(Realm::word), only.map(|only| only.0));
    let rows = db.query(LIST, &[&realm, &before, &At(now), &limit, &only]).await?;
    rows.iter().map(user).collect()
}

pub(crate) async fn insert(db: &impl Db, id: UserId, realm: Realm, login: &str, name: &str) -> Result<(), Error> {
    db.execute(INSERT, &[&id.0, &realm.word(), &login, &name]).await?;
    Ok(())
}

/// He cares for patients as this practitioner.
pub(crate) async fn practises(db: &impl Db, id: UserId, practitioner: Uuid) -> Result<(), Error> {
    db.execute(PRACTISES, &[&id.0, &practitioner]).await?;
    Ok(())
}

pub(crate) async fn rename(db: &impl Db, id: UserId, login: &str, name: &str) -> Result<(), Error> {
    db.execute(RENAME, &[&id.0, &login, &name]).await?;
    Ok(())
}

pub(crate) async fn activate(db: &impl Db, id: UserId) -> Result<(), Error> {
    db.execute(ACTIVATE, &[&id.0]).await?;
    Ok(())
}

/// False: there is none of this id who could be.
pub(crate) async fn disable(db: &impl Db, id: UserId, realm: Option<Realm>, now: Timestamp) -> Result<bool, Error> {
    Ok(db.execute(DISABLE, &[&id.0, &realm.map(Realm::word), &At(now)]).await? == 1)
}

/// False: there is no such patient in the user's realm.
pub(crate) async fn own_record(db: &impl Db, id: UserId, patient: PatientId, now: Timestamp) -> Result<bool, Error> {
    let row = CorrelationId::new(now).0;
    Ok(db.execute(OWN_RECORD, &[&row, &id.0, &patient.0]).await? == 1)
}

/// False: nobody said that he is.
pub(crate) async fn not_own_record(
    db: &impl Db,
    id: UserId,
    patient: PatientId,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(db.execute(NOT_OWN_RECORD, &[&id.0, &patient.0, &At(now)]).await? == 1)
}

pub(crate) async fn by_login(db: &impl Db, login: &str) -> Result<Option<UserId>, Error> {
    let row = db.query_opt(BY_LOGIN, &[&login]).await?;
    row.map(|row| Ok(UserId(row.try_get(0)?))).transpose()
}

pub(crate) async fn lock_administrators(db: &impl Db) -> Result<(), Error> {
    db.execute(LOCK_ADMINISTRATORS, &[&ADMINISTRATORS_LOCK]).await?;
    Ok(())
}

/// How many a realm has. Ask under `lock_administrators` before one is made or removed.
pub(crate) async fn administrators(db: &impl Db, realm: Realm, now: Timestamp) -> Result<i64, Error> {
    Ok(db.query_one(ADMINISTRATORS, &[&At(now), &realm.word()]).await?.try_get(0)?)
}

/// Whether this user is one.
pub(crate) async fn administers(db: &impl Db, user: UserId, now: Timestamp) -> Result<bool, Error> {
    Ok(db.query_one(ADMINISTERS, &[&At(now), &user.0]).await?.try_get(0)?)
}

/// Whether nobody would be left to give rights in the realm for good, without this user or without this grant of his.
pub(crate) async fn last_administrator(
    db: &impl Db,
    user: UserId,
    grant: Option<RoleGrantId>,
    now: Timestamp,
) -> Result<bool, Error> {
    let grant = grant.map(|grant| grant.0);
    Ok(db.query_one(LAST_ADMINISTRATOR, &[&At(now), &user.0, &grant]).await?.try_get(0)?)
}

/// The one that the command line vouches for, or the demo.
pub(crate) async fn make_administrator(
    db: &impl Db,
    user: UserId,
    realm: Realm,
    by: Part,
    now: Timestamp,
) -> Result<(), Error> {
    let id = RoleGrantId::new(now).0;
    db.execute(MAKE_ADMINISTRATOR, &[&id, &realm.word(), &user.0, &At(now), &by.word()]).await?;
    Ok(())
}

fn user(row: &Row) -> Result<User, Error> {
    let roles: Vec<&str> = row.try_get("roles")?;
    Ok(User {
        id: UserId(row.try_get("id")?),
        login: row.try_get("login")?,
        display_name: row.try_get("display_name")?,
        status: row.try_get("status")?,
        roles: roles.into_iter().filter_map(Role::from_word).collect(),
        version: row.try_get("version")?,
    })
}
