//! Where a user has signed in before: a browser that has our cookie, or an address.

use store::time::At;
use store::{Db, Error};
use vitals::{Timestamp, UserId};

use super::secret::Digest;

/// A place where nobody signed in for so long is one no longer.
pub(crate) const DAYS: u32 = 90;

const KNOWN: &str = "-- portal::identity::places::known
    SELECT digest FROM sign_in_places WHERE user_id = $1 AND digest = ANY($2)";

const REMEMBER: &str = "-- portal::identity::places::remember
    INSERT INTO sign_in_places (user_id, digest, last_at) SELECT $1, digest, $3 FROM unnest($2::bytea[]) AS digest
    ON CONFLICT (user_id, digest) DO UPDATE SET last_at = excluded.last_at";

const FORGET: &str = "-- portal::identity::places::forget
    DELETE FROM sign_in_places WHERE user_id = $1 AND last_at < $2";

/// The first of `places` where this user has signed in.
pub(crate) async fn known(db: &impl Db, user: UserId, places: &[Digest]) -> Result<Option<Digest>, Error> {
    let slices: Vec<&[u8]> = places.iter().map(|place| &place[..]).collect();
    let rows = db.query(KNOWN, &[&user.0, &slices]).await?;
    let known = rows.iter().map(|row| row.try_get::<_, &[u8]>(0)).collect::<Result<Vec<_>, _>>()?;
    Ok(places.iter().copied().find(|place| known.contains(&&place[..])))
}

pub(crate) async fn remember(db: &impl Db, user: UserId, places: &[Digest], now: Timestamp) -> Result<(), Error> {
    let slices: Vec<&[u8]> = places.iter().map(|place| &place[..]).collect();
    db.execute(REMEMBER, &[&user.0, &slices, &At(now)]).await?;
    db.execute(FORGET, &[&user.0, &At(now.plus_millis(-i64::from(DAYS) * 86_400_000))]).await?;
    Ok(())
}
