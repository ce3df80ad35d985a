//! A code of an authenticator, or a recovery code, is looked at and used up.

use store::Client;
use vitals::UserId;
use zeroize::Zeroizing;

use crate::caller::Write;
use crate::identity::cookies::Jar;
use crate::identity::credentials;
use crate::identity::hashing::Lane;
use crate::identity::places;
use crate::identity::secret::{digest_of, normal, token};
use crate::identity::sessions::{Factor, Session};
use crate::identity::visit::Visit;
use crate::web::ApiError;

/// Recovery codes begin with their number, so that one hash is compared and not ten.
pub(crate) const NUMBERS: &str = "123456789A";

/// What a code proves. None: nothing, or it was used before.
pub(crate) async fn prove(
    visit: &Visit,
    write: &Write,
    user: UserId,
    code: &str,
    lane: Lane,
) -> Result<Option<Factor>, ApiError> {
    let db = write.db();
    let digits = code.trim();
    if digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let stored = credentials::totp(db, visit.app.keyring.system(), user, true).await?;
        let Some(stored) = stored else { return Ok(None) };
        let Some(step) = stored.step(digits, visit.wall()) else { return Ok(None) };
        return Ok(credentials::use_step(db, stored.id, step).await?.then_some(Factor::Totp));
    }
    recover(visit, db, user, code, lane).await
}

async fn recover(visit: &Visit, db: &Client, user: UserId, code: &str, lane: Lane) -> Result<Option<Factor>, ApiError> {
    let code = normal(code);
    let number = code.chars().next().and_then(|first| NUMBERS.find(first));
    let codes = credentials::recovery(db, user).await?;
    let stored = number.and_then(|number| codes.get(number)).filter(|stored| stored.unused);
    let hash = stored.map(|stored| stored.hash.clone());
    if !visit.app.gate.hasher.verify(lane, code, hash).await? {
        return Ok(None);
    }
    let Some(stored) = stored else { return Ok(None) };
    Ok(credentials::revoke_one(db, stored.id, visit.now()).await?.then_some(Factor::Recovery))
}

/// This is where the user signs in from now on; the cookie by which the browser is known again.
pub(crate) async fn remember(
    visit: &Visit,
    write: &Write,
    session: &Session,
) -> Result<warp::http::HeaderValue, ApiError> {
    let browser: Zeroizing<String> = token();
    let known = [digest_of(&browser)].into_iter().chain(visit.places());
    places::remember(write.db(), session.user, &known.collect::<Vec<_>>(), visit.now()).await?;
    credentials::reset_pin(write.db(), session.user).await?;
    Ok(visit.app.gate.cookies.give(Jar::Place, &browser, Some(places::DAYS)))
}
