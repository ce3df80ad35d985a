//! The PIN: only on a station, only after two factors there in this shift, five wrong ones at most.

use vitals::{Timestamp, UserId};
use zeroize::Zeroizing;

use crate::identity::credentials;
use crate::identity::hashing::Lane;
use crate::identity::visit::Visit;
use crate::web::ApiError;

/// Since when the PIN holds here, if it is the right one. Where it does not hold, no try is counted, so that nobody makes
/// it void from elsewhere, and the answer takes as long.
pub(super) async fn prove(
    visit: &Visit,
    user: Option<UserId>,
    pin: Zeroizing<String>,
) -> Result<Option<Timestamp>, ApiError> {
    let db = visit.db().await?;
    let trusted = match (user, visit.caller.station()) {
        (Some(user), Some(station)) => credentials::trusted_since(&db, user, station, visit.now()).await?,
        _ => None,
    };
    let hash = match (trusted, user) {
        (Some(_), Some(user)) => credentials::try_pin(&db, user).await?,
        _ => None,
    };
    // The wait for a turn holds no connection.
    drop(db);
    let counted = hash.is_some();
    let right = visit.app.gate.hasher.verify(Lane::Known, pin, hash.map(|hash| hash.to_string())).await;
    if let (Err(_), true, Some(user)) = (&right, counted, user) {
        credentials::take_back_pin(&visit.db().await?, user).await?;
    }
    let right = right?;
    if let (true, Some(user)) = (right, user) {
        credentials::reset_pin(&visit.db().await?, user).await?;
    }
    Ok(trusted.filter(|_| right))
}

#[cfg(test)]
mod tests;
