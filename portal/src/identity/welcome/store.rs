use store::time::At;
use store::{Db, Error};
use uuid::Uuid;
use vitals::{Realm, Timestamp, UserId};

use crate::identity::secret::Digest;

/// The realm of first administrators, until a live one may exist.
pub(crate) const REALM: Realm = Realm::Demo;

const FIND: &str = "-- portal::identity::welcome::find
    SELECT c.id, c.purpose, c.recovers, c.user_id, u.realm, u.login, u.display_name, c.expires_at FROM one_time_codes c
    LEFT JOIN users u ON u.id = c.user_id
    WHERE c.digest = $1 AND c.purpose IN ('first_administrator', 'invitation') AND c.used_at IS NULL AND c.expires_at > $2
        AND (u.id IS NULL OR u.status = 'invited')
    FOR UPDATE OF c";

const INSERT: &str = "-- portal::identity::welcome::insert
    INSERT INTO one_time_codes (id, purpose, recovers, digest, user_id, made_at, made_by, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const VOID_FIRST: &str = "-- portal::identity::welcome::void_first
    UPDATE one_time_codes SET used_at = $1 WHERE purpose = 'first_administrator' AND used_at IS NULL";

const USE: &str = "-- portal::identity::welcome::use_up
    UPDATE one_time_codes SET used_at = $2 WHERE id = $1 AND used_at IS NULL";

const NAME: &str = "-- portal::identity::welcome::name
    UPDATE one_time_codes SET user_id = $2 WHERE id = $1";

/// A link that still opens.
pub(crate) struct Link {
    pub(crate) id: Uuid,
    pub(crate) first: bool,
    pub(crate) recovers: bool,
    pub(crate) user: Option<UserId>,
    pub(crate) realm: Realm,
    pub(crate) login: Option<String>,
    pub(crate) display_name: Option<String>,
    pub(crate) expires_at: Timestamp,
}

/// Locked until the transaction ends, so that two who have it wait for each other.
pub(crate) async fn find(db: &impl Db, token: &Digest, now: Timestamp) -> Result<Option<Link>, Error> {
    let Some(row) = db.query_opt(FIND, &[&token.as_slice(), &At(now)]).await? else { return Ok(None) };
    Ok(Some(Link {
        id: row.try_get("id")?,
        first: row.try_get::<_, &str>("purpose")? == "first_administrator",
        recovers: row.try_get("recovers")?,
        user: row.try_get::<_, Option<_>>("user_id")?.map(UserId),
        realm: match row.try_get::<_, Option<&str>>("realm")? {
            Some(realm) => realm.parse().map_err(|_| Error::Column("users.realm"))?,
            None => REALM,
        },
        login: row.try_get("login")?,
        display_name: row.try_get("display_name")?,
        expires_at: row.try_get::<_, At>("expires_at")?.0,
    }))
}

/// Earlier ones are void.
pub(crate) async fn first(
    db: &impl Db,
    token: &Digest,
    recovers: bool,
    (now, until): (Timestamp, Timestamp),
) -> Result<(), Error> {
    db.execute(VOID_FIRST, &[&At(now)]).await?;
    let (id, nobody) = (vitals::CorrelationId::new(now).0, None::<Uuid>);
    let purpose = "first_administrator";
    let times = (At(now), At(until));
    db.execute(INSERT, &[&id, &purpose, &recovers, &token.as_slice(), &nobody, &times.0, &nobody, &times.1]).await?;
    Ok(())
}

pub(crate) async fn invite(
    db: &impl Db,
    token: &Digest,
    user: UserId,
    by: Option<UserId>,
    (now, until): (Timestamp, Timestamp),
) -> Result<(), Error> {
    let (id, by) = (vitals::CorrelationId::new(now).0, by.map(|by| by.0));
    let times = (At(now), At(until));
    db.execute(INSERT, &[&id, &"invitation", &false, &token.as_slice(), &user.0, &times.0, &by, &times.1]).await?;
    Ok(())
}

pub(super) async fn use_up(db: &impl Db, link: Uuid, now: Timestamp) -> Result<bool, Error> {
    Ok(db.execute(USE, &[&link, &At(now)]).await? == 1)
}

pub(super) async fn name(db: &impl Db, link: Uuid, user: UserId) -> Result<(), Error> {
    db.execute(NAME, &[&link, &user.0]).await?;
    Ok(())
}
