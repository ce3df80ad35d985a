use vitals::{SessionId, UserId, subscriber};

use super::model::{BeginBody, FinishBody, TokenBody, Welcome};
use super::store::{self, Link};
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Part, Write};
use crate::identity::answer::Answer;
use crate::identity::cookies::Jar;
use crate::identity::factors::{Codes, SeedShown, make_recovery_codes};
use crate::identity::password::weakness;
use crate::identity::secret::{digest_of, digest_of_token, token};
use crate::identity::sessions::{self, Factor, LONGEST_MS, Session};
use crate::identity::sign_in::remember;
use crate::identity::throttle::{Charge, Kind};
use crate::identity::totp::Seed;
use crate::identity::visit::{Attempt, Visit};
use crate::identity::{credentials, users};
use crate::web::ApiError;

pub(super) async fn show(visit: Visit, body: TokenBody) -> Result<Answer<Welcome>, ApiError> {
    let attempt = charge(&visit)?;
    let write = Write::begin(&visit.caller, Purpose::Operations).await?;
    let link = link(&visit, &write, &body.token).await?;
    attempt.was_right();
    Ok(Answer::new(Welcome {
        purpose: if link.first { "first_administrator" } else { "invitation" },
        login: link.login,
        expires_at: link.expires_at,
    }))
}

/// Keeps a password and an authenticator that count once a code of it comes. May be done again until then.
pub(super) async fn begin(visit: Visit, body: BeginBody) -> Result<Answer<SeedShown>, ApiError> {
    let attempt = charge(&visit)?;
    let now = visit.now();
    // Before the hash: whoever has no link has us hash nothing. The hash is made outside any transaction.
    let known = link(&visit, &Write::begin(&visit.caller, Purpose::Operations).await?, &body.token).await?;
    attempt.was_right();
    let login = match &known {
        Link { first: true, .. } => users::login(body.login.as_deref().unwrap_or_default())?,
        Link { login, .. } => login.clone().ok_or_else(unknown)?,
    };
    if let Some(why) = weakness(&body.password, &login) {
        return Err(ApiError::bad_request("weak_password", why));
    }
    let (hash, seed) = (visit.app.gate.hasher.hash(body.password).await?, Seed::draw());
    let write = Write::begin(&visit.caller, Purpose::Operations).await?;
    let link = link(&visit, &write, &body.token).await?;
    let user = match link.user {
        Some(user) if link.first => {
            let name = users::name(body.display_name.as_deref())?;
            users::store::rename(write.db(), user, &login, &name).await.map_err(users::handlers::taken)?;
            user
        }
        Some(user) => user,
        None => {
            let (user, name) = (UserId::new(now), users::name(body.display_name.as_deref())?);
            users::store::insert(write.db(), user, link.realm, &login, &name).await.map_err(users::handlers::taken)?;
            store::name(write.db(), link.id, user).await?;
            user
        }
    };
    credentials::revoke_kind(write.db(), user, Factor::Password, true, now).await?;
    credentials::revoke_kind(write.db(), user, Factor::Totp, true, now).await?;
    credentials::insert_hash(write.db(), (user, Factor::Password), &hash, (now, None)).await?;
    credentials::insert_seed(write.db(), visit.app.keyring.system(), user, &seed, now).await?;
    write.commit(event(Action::Update, user)).await?;
    Ok(Answer::new(SeedShown::new(&seed, &login)))
}

/// The link is used up, and both factors are given.
pub(super) async fn finish(visit: Visit, body: FinishBody) -> Result<Answer<Codes>, ApiError> {
    let attempt = charge(&visit)?;
    let now = visit.now();
    let write = Write::begin(&visit.caller, Purpose::Operations).await?;
    let user = link(&visit, &write, &body.token).await?.user.ok_or_else(unknown)?;
    let code_attempt = visit.charge(vec![Charge::Account(Kind::Code, digest_of(&user.to_string()))], false)?;
    let first = proven(&visit, &write, user, &body.code).await?;
    drop(write);
    if first.is_none() {
        return Err(visit.denied(Some(user), ApiError::wrong_code()).await?);
    }
    code_attempt.was_right();
    attempt.was_right();
    // Ten hashes, for who has shown that he is expected, and outside any transaction.
    let made = make_recovery_codes(&visit.app).await?;
    let write = Write::begin(&visit.caller, Purpose::Operations).await?;
    let link = link(&visit, &write, &body.token).await?;
    // The authenticator may have been drawn anew meanwhile.
    let step = proven(&visit, &write, user, &body.code).await?.ok_or_else(ApiError::wrong_code)?;
    credentials::confirm(write.db(), user, Factor::Password, None, now).await?;
    credentials::confirm(write.db(), user, Factor::Totp, Some(step), now).await?;
    made.store(&write, user, now).await?;
    if link.first {
        users::store::lock_administrators(write.db()).await?;
        if !link.recovers && users::store::administrators(write.db(), link.realm, now).await? > 0 {
            return Err(ApiError::Conflict {
                code: "administrator_exists",
                detail: "there is an administrator already",
            });
        }
        users::store::make_administrator(write.db(), user, link.realm, Part::Command, now).await?;
    }
    users::store::activate(write.db(), user).await?;
    if !store::use_up(write.db(), link.id, now).await? {
        return Err(unknown());
    }
    let session = session(&visit, user, &link);
    let (place, token) = (remember(&visit, &write, &session).await?, token());
    if let Some(old) = &visit.token {
        sessions::store::end(write.db(), old, now).await?;
    }
    let (address, digest) = (visit.caller.request().address, digest_of(&token));
    sessions::store::insert(write.db(), &session, &digest, address).await?;
    write.commit(event(Action::Create, user)).await?;
    visit.begins_anew(Some(&digest));
    let cookie = visit.app.gate.cookies.give(Jar::Session, &token, None);
    Ok(Answer::new(Codes { codes: made.codes }).cookie(cookie).cookie(place))
}

async fn proven(visit: &Visit, write: &Write, user: UserId, code: &str) -> Result<Option<i64>, ApiError> {
    let pending = credentials::totp(write.db(), visit.app.keyring.system(), user, false).await?;
    Ok(pending.and_then(|seed| seed.step(code.trim(), visit.wall())))
}

fn session(visit: &Visit, user: UserId, link: &Link) -> Session {
    let now = visit.now();
    Session {
        id: SessionId::new(now),
        user,
        login: link.login.clone().unwrap_or_default(),
        display_name: link.display_name.clone().unwrap_or_default(),
        realm: link.realm,
        station: visit.caller.station(),
        factors: vec![Factor::Password, Factor::Totp],
        started_at: now,
        stepped_up_at: None,
        last_input_at: now,
        locked_at: None,
        expires_at: now.plus_millis(LONGEST_MS),
    }
}

fn charge(visit: &Visit) -> Result<Attempt<'_>, ApiError> {
    let address = visit.caller.request().address.map(|address| Charge::Address(subscriber(address)));
    visit.charge(address.into_iter().collect(), false)
}

async fn link(visit: &Visit, write: &Write, token: &str) -> Result<Link, ApiError> {
    let found = match digest_of_token(token) {
        Some(digest) => store::find(write.db(), &digest, visit.now()).await?,
        None => None,
    };
    match found.filter(|link| visit.fits(link.realm)) {
        Some(link) => Ok(link),
        None => Err(visit.denied(None, unknown()).await?),
    }
}

fn event(action: Action, user: UserId) -> Event {
    Event::new(Category::Rights, action, Entity::one(EntityKind::User, user.0))
}

fn unknown() -> ApiError {
    ApiError::NotFound { code: "unknown_link", detail: "the link is wrong, used, or too old" }
}
