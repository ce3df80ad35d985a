//! What a user proves himself with, as it is stored.

use keys::{Field, SystemKey, Zeroizing};
use store::time::At;
use store::{Db, Error};
use uuid::Uuid;
use vitals::{Realm, Timestamp, UserId};

use super::sessions::Factor;
use super::totp::Seed;
use crate::web::ApiError;

pub(crate) const SEED: Field = Field::new("credentials", "sealed");

/// Wrong PINs in a row, after which it is void until two factors are given again.
pub(crate) const PIN_TRIES: i16 = 5;

const BY_LOGIN: &str = "-- portal::identity::credentials::by_login
    SELECT u.id, u.display_name, u.realm, c.hash FROM users u
    LEFT JOIN credentials c ON c.user_id = u.id AND c.kind = $2 AND c.confirmed_at IS NOT NULL AND c.revoked_at IS NULL
    WHERE u.login = $1 AND u.status = 'active'";

const TOTP: &str = "-- portal::identity::credentials::totp
    SELECT id, sealed, last_step FROM credentials
    WHERE user_id = $1 AND kind = 'totp' AND (confirmed_at IS NOT NULL) = $2 AND revoked_at IS NULL
    ORDER BY made_at DESC LIMIT 1";

/// Of two requests with the same code one finds it used.
const USE_STEP: &str = "-- portal::identity::credentials::use_step
    UPDATE credentials SET last_step = $2 WHERE id = $1 AND revoked_at IS NULL AND (last_step IS NULL OR last_step < $2)";

const RECOVERY: &str = "-- portal::identity::credentials::recovery
    SELECT id, hash, revoked_at IS NULL AS unused FROM credentials
    WHERE user_id = $1 AND kind = 'recovery' AND confirmed_at = (
        SELECT max(confirmed_at) FROM credentials WHERE user_id = $1 AND kind = 'recovery')
    ORDER BY made_at LIMIT 20";

const REVOKE_ONE: &str = "-- portal::identity::credentials::revoke_one
    UPDATE credentials SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";

const REVOKE_KIND: &str = "-- portal::identity::credentials::revoke_kind
    UPDATE credentials SET revoked_at = $3
    WHERE user_id = $1 AND kind = $2 AND revoked_at IS NULL AND (confirmed_at IS NOT NULL OR $4)";

const REVOKE_PENDING: &str = "-- portal::identity::credentials::revoke_pending
    UPDATE credentials SET revoked_at = $3
    WHERE user_id = $1 AND kind = $2 AND revoked_at IS NULL AND confirmed_at IS NULL";

const INSERT: &str = "-- portal::identity::credentials::insert
    INSERT INTO credentials (id, user_id, kind, hash, sealed, made_at, confirmed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";

const CONFIRM: &str = "-- portal::identity::credentials::confirm
    UPDATE credentials SET confirmed_at = $2, last_step = coalesce($3, last_step)
    WHERE user_id = $1 AND kind = $4 AND confirmed_at IS NULL AND revoked_at IS NULL";

const RESET_PIN: &str = "-- portal::identity::credentials::reset_pin
    UPDATE credentials SET failures = 0 WHERE user_id = $1 AND kind = 'pin' AND revoked_at IS NULL AND failures > 0";

/// Counted as wrong before it is looked at, so that a hundred at once are not all looked at.
const TRY_PIN: &str = "-- portal::identity::credentials::try_pin
    UPDATE credentials SET failures = failures + 1
    WHERE user_id = $1 AND kind = 'pin' AND confirmed_at IS NOT NULL AND revoked_at IS NULL AND failures < $2
    RETURNING hash";

const TAKE_BACK_PIN: &str = "-- portal::identity::credentials::take_back_pin
    UPDATE credentials SET failures = failures - 1 WHERE user_id = $1 AND kind = 'pin' AND revoked_at IS NULL AND failures > 0";

/// Two factors that were given on this station, in this shift: within twelve hours, before a duty ended, and before the
/// factors changed. What was revoked from elsewhere has no factors any more.
const TRUSTED_SINCE: &str = "-- portal::identity::credentials::trusted_since
    SELECT max(s.started_at) FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.user_id = $1 AND s.station_id = $2 AND s.started_at > $3
        AND 'password' = ANY (s.factors) AND s.factors && '{totp,recovery}'
        AND NOT EXISTS (SELECT FROM credentials c WHERE c.user_id = s.user_id AND c.kind IN ('password', 'totp')
            AND c.confirmed_at > s.started_at AND c.revoked_at IS NULL)
        AND NOT EXISTS (SELECT FROM duties d WHERE d.practitioner_id = u.practitioner_id
            AND upper(d.during) > s.started_at AND upper(d.during) <= $4)";

/// Who signs in by a name; only somebody active.
pub(crate) struct Account {
    pub(crate) user: UserId,
    pub(crate) display_name: String,
    pub(crate) realm: Realm,
    /// Of the kind that was asked for.
    pub(crate) hash: Option<String>,
}

pub(crate) async fn by_login(db: &impl Db, login: &str, kind: Factor) -> Result<Option<Account>, Error> {
    let row = db.query_opt(BY_LOGIN, &[&login, &kind.word()]).await?;
    let account = row.map(|row| {
        Ok::<_, Error>(Account {
            user: UserId(row.try_get(0)?),
            display_name: row.try_get(1)?,
            realm: row.try_get::<_, &str>(2)?.parse().map_err(|_| Error::Column("users.realm"))?,
            hash: row.try_get(3)?,
        })
    });
    account.transpose()
}

pub(crate) struct StoredSeed {
    pub(crate) id: Uuid,
    pub(crate) seed: Seed,
    last_step: Option<i64>,
}

impl StoredSeed {
    pub(crate) fn step(&self, code: &str, now: Timestamp) -> Option<i64> {
        self.seed.step(code, now, self.last_step)
    }
}

/// The one that counts, or the one that waits to be confirmed.
pub(crate) async fn totp(
    db: &impl Db,
    key: &SystemKey,
    user: UserId,
    confirmed: bool,
) -> Result<Option<StoredSeed>, ApiError> {
    let Some((id, sealed, last_step)) = sealed_seed(db, user, confirmed).await? else { return Ok(None) };
    let seed = Seed::from_bytes(key.open(SEED, id.as_bytes(), &sealed)?);
    Ok(Some(StoredSeed { id, seed, last_step }))
}

async fn sealed_seed(
    db: &impl Db,
    user: UserId,
    confirmed: bool,
) -> Result<Option<(Uuid, Vec<u8>, Option<i64>)>, Error> {
    let row = db.query_opt(TOTP, &[&user.0, &confirmed]).await?;
    row.map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).transpose()
}

/// False: this code, or a later one, was used already.
pub(crate) async fn use_step(db: &impl Db, seed: Uuid, step: i64) -> Result<bool, Error> {
    Ok(db.execute(USE_STEP, &[&seed, &step]).await? == 1)
}

pub(crate) struct StoredCode {
    pub(crate) id: Uuid,
    pub(crate) hash: String,
    pub(crate) unused: bool,
}

/// The newest recovery codes, in the order of their numbers.
pub(crate) async fn recovery(db: &impl Db, user: UserId) -> Result<Vec<StoredCode>, Error> {
    let rows = db.query(RECOVERY, &[&user.0]).await?;
    rows.iter()
        .map(|row| Ok(StoredCode { id: row.try_get(0)?, hash: row.try_get(1)?, unused: row.try_get(2)? }))
        .collect()
}

/// False: it was revoked already.
pub(crate) async fn revoke_one(db: &impl Db, credential: Uuid, now: Timestamp) -> Result<bool, Error> {
    Ok(db.execute(REVOKE_ONE, &[&credential, &At(now)]).await? == 1)
}

/// What counts of this kind, and with `pending` also what waits to be confirmed.
pub(crate) async fn revoke_kind(
    db: &impl Db,
    user: UserId,
    kind: Factor,
    pending: bool,
    now: Timestamp,
) -> Result<(), Error> {
    db.execute(REVOKE_KIND, &[&user.0, &kind.word(), &At(now), &pending]).await?;
    Ok(())
}

/// Only what waits to be confirmed.
pub(crate) async fn revoke_pending(db: &impl Db, user: UserId, kind: Factor, now: Timestamp) -> Result<(), Error> {
    db.execute(REVOKE_PENDING, &[&user.0, &kind.word(), &At(now)]).await?;
    Ok(())
}

pub(crate) async fn insert_hash(
    db: &impl Db,
    (user, kind): (UserId, Factor),
    hash: &str,
    (made_at, confirmed_at): (Timestamp, Option<Timestamp>),
) -> Result<(), Error> {
    let (id, confirmed_at) = (new_id(made_at), confirmed_at.map(At));
    db.execute(INSERT, &[&id, &user.0, &kind.word(), &hash, &None::<&[u8]>, &At(made_at), &confirmed_at]).await?;
    Ok(())
}

/// Waits to be confirmed.
pub(crate) async fn insert_seed(
    db: &impl Db,
    key: &SystemKey,
    user: UserId,
    seed: &Seed,
    now: Timestamp,
) -> Result<(), Error> {
    let id = new_id(now);
    let sealed = key.seal(SEED, id.as_bytes(), seed.as_bytes());
    let nothing: (Option<&str>, Option<At>) = (None, None);
    db.execute(INSERT, &[&id, &user.0, &Factor::Totp.word(), &nothing.0, &sealed, &At(now), &nothing.1]).await?;
    Ok(())
}

/// What waited counts from now on. False: nothing waited.
pub(crate) async fn confirm(
    db: &impl Db,
    user: UserId,
    kind: Factor,
    step: Option<i64>,
    now: Timestamp,
) -> Result<bool, Error> {
    Ok(db.execute(CONFIRM, &[&user.0, &At(now), &step, &kind.word()]).await? > 0)
}

pub(crate) async fn reset_pin(db: &impl Db, user: UserId) -> Result<(), Error> {
    db.execute(RESET_PIN, &[&user.0]).await?;
    Ok(())
}

/// The hash to compare with, once the try is counted. None: no PIN, or void.
pub(crate) async fn try_pin(db: &impl Db, user: UserId) -> Result<Option<Zeroizing<String>>, Error> {
    let row = db.query_opt(TRY_PIN, &[&user.0, &PIN_TRIES]).await?;
    row.map(|row| Ok(Zeroizing::new(row.try_get(0)?))).transpose()
}

/// Nobody looked at it.
pub(crate) async fn take_back_pin(db: &impl Db, user: UserId) -> Result<(), Error> {
    db.execute(TAKE_BACK_PIN, &[&user.0]).await?;
    Ok(())
}

/// When the user gave two factors on this station, if that still counts.
pub(crate) async fn trusted_since(
    db: &impl Db,
    user: UserId,
    station: vitals::StationId,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    let since = At(now.plus_millis(-super::sessions::LONGEST_MS));
    let row = db.query_one(TRUSTED_SINCE, &[&user.0, &station.0, &since, &At(now)]).await?;
    Ok(row.try_get::<_, Option<At>>(0)?.map(|At(at)| at))
}

fn new_id(now: Timestamp) -> Uuid {
    vitals::CorrelationId::new(now).0
}
