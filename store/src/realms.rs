//! Whether anything of a real hospital is kept here.

use crate::{Db, Error};

/// A place, a screen, a person, a device.
const LIVE: &str = "-- store::realms::live
    SELECT EXISTS (SELECT FROM organizations WHERE realm = 'live') OR EXISTS (SELECT FROM locations WHERE realm = 'live')
        OR EXISTS (SELECT FROM users WHERE realm = 'live') OR EXISTS (SELECT FROM stations WHERE realm = 'live')
        OR EXISTS (SELECT FROM devices WHERE realm = 'live')";

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[LIVE];

/// Ask as `vigil_portal`.
pub async fn live(db: &impl Db) -> Result<bool, Error> {
    Ok(db.query_one(LIVE, &[]).await?.try_get(0)?)
}
