use vitals::SessionId;

use super::model::{CodeBody, PinSignInBody, SessionView, SignInBody, UnlockBody};
use super::pin;
use super::prove::{prove, remember};
use super::step::{give, moved, shown};
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::Write;
use crate::identity::answer::Answer;
use crate::identity::cookies::Jar;
use crate::identity::credentials::{self, Account};
use crate::identity::secret::{digest_of, token};
use crate::identity::sessions::{self, Factor, LONGEST_MS, Session, State};
use crate::identity::stations;
use crate::identity::throttle::Kind;
use crate::identity::visit::Visit;
use crate::web::ApiError;

type Given = Result<Answer<SessionView>, ApiError>;

/// How things stand; nobody is told more than the browser's own cookies say.
pub(super) async fn show(visit: Visit) -> Given {
    match visit.session().await? {
        Some(session) => shown(&visit, &session).await,
        None => {
            let station = stations::of(&visit.db().await?, visit.caller.station()).await?;
            Ok(Answer::new(SessionView::nobody(station)))
        }
    }
}

pub(super) async fn password(visit: Visit, body: SignInBody) -> Given {
    let login = as_login(&body.login)?;
    let account = credentials::by_login(&visit.db().await?, &login, Factor::Password).await?;
    let account = account.filter(|account| visit.fits(account.realm));
    let user = account.as_ref().map(|account| account.user);
    let attempt = visit.attempt(Kind::Password, &login, user).await?;
    let hash = account.as_ref().and_then(|account| account.hash.clone());
    let right = attempt.looked(visit.app.gate.hasher.verify(attempt.lane, body.password, hash).await)?;
    let Some(account) = account.filter(|_| right) else {
        return Err(visit.denied(user, ApiError::wrong_credentials()).await?);
    };
    attempt.was_right();
    let now = visit.now();
    begin(&visit, new(&visit, &login, account).half(now).with_factor(Factor::Password)).await
}

pub(super) async fn factor(visit: Visit, body: CodeBody) -> Given {
    let (session, had) = visit.session_in(&[State::Half]).await?;
    let attempt = visit.attempt(Kind::Code, &session.login, Some(session.user)).await?;
    let write = visit.write_as(&session).await?;
    let proven = prove(&visit, &write, session.user, &body.code, attempt.lane).await;
    let Some(factor) = attempt.looked(proven)? else {
        drop(write);
        return Err(visit.denied(Some(session.user), ApiError::wrong_code()).await?);
    };
    attempt.was_right();
    let session = session.with(factor, visit.now());
    let place = remember(&visit, &write, &session).await?;
    let event = moved(&session);
    Ok(give(&visit, write, &had, &session, event).await?.cookie(place))
}

pub(super) async fn pin(visit: Visit, body: PinSignInBody) -> Given {
    let login = as_login(&body.login)?;
    let account = credentials::by_login(&visit.db().await?, &login, Factor::Pin).await?;
    let account = account.filter(|account| visit.fits(account.realm));
    let user = account.as_ref().map(|account| account.user);
    let attempt = visit.attempt(Kind::Pin, &login, user).await?;
    let since = attempt.looked(pin::prove(&visit, user, body.pin).await)?;
    let (Some(account), Some(since)) = (account, since) else {
        return Err(visit.denied(user, ApiError::wrong_pin()).await?);
    };
    attempt.was_right();
    let mut session = new(&visit, &login, account).with_factor(Factor::Pin);
    // The shift began with the two factors, and so did its twelve hours.
    session.expires_at = since.plus_millis(LONGEST_MS);
    begin(&visit, session).await
}

pub(super) async fn lock(visit: Visit) -> Given {
    let (mut session, had) = visit.session_in(&[State::Open]).await?;
    session.locked_at = Some(visit.now());
    let write = visit.write_as(&session).await?;
    let event = moved(&session);
    give(&visit, write, &had, &session, event).await
}

pub(super) async fn unlock(visit: Visit, body: UnlockBody) -> Given {
    let (session, had) = visit.session_in(&[State::Locked]).await?;
    let user = Some(session.user);
    match (body.pin, body.password) {
        (Some(pin), None) => {
            let attempt = visit.attempt_in(Kind::Pin, &session)?;
            if attempt.looked(pin::prove(&visit, user, pin).await)?.is_none() {
                return Err(visit.denied(user, ApiError::wrong_pin()).await?);
            }
            attempt.was_right();
        }
        (None, Some(password)) => {
            let attempt = visit.attempt_in(Kind::Password, &session)?;
            let account = credentials::by_login(&visit.db().await?, &session.login, Factor::Password).await?;
            let hash = account.and_then(|account| account.hash);
            if !attempt.looked(visit.app.gate.hasher.verify(attempt.lane, password, hash).await)? {
                return Err(visit.denied(user, ApiError::wrong_credentials()).await?);
            }
            attempt.was_right();
        }
        _ => return Err(ApiError::bad_request("invalid_body", "either a PIN or a password")),
    }
    let session = session.unlocked(visit.now());
    let write = visit.write_as(&session).await?;
    let event = moved(&session);
    give(&visit, write, &had, &session, event).await
}

/// With an authenticator only: a recovery code is for who has lost it, not for what is grave.
pub(super) async fn step_up(visit: Visit, body: CodeBody) -> Given {
    let (mut session, had) = visit.session_in(&[State::Open]).await?;
    let attempt = visit.attempt_in(Kind::Code, &session)?;
    let write = visit.write_as(&session).await?;
    if body.code.trim().len() != 6 || prove(&visit, &write, session.user, &body.code, attempt.lane).await?.is_none() {
        drop(write);
        return Err(visit.denied(Some(session.user), ApiError::wrong_code()).await?);
    }
    attempt.was_right();
    session.stepped_up_at = Some(visit.now());
    let session = session.unlocked(visit.now());
    let event = moved(&session);
    give(&visit, write, &had, &session, event).await
}

/// Says that a person did something. No event: it shows nobody anything, and comes four times a minute.
pub(super) async fn input(visit: Visit) -> Given {
    let (session, _) = visit.session_in(&[State::Open]).await?;
    sessions::store::input(&visit.db().await?, session.id, visit.now()).await?;
    shown(&visit, &session.unlocked(visit.now())).await
}

pub(super) async fn sign_out(visit: Visit) -> Result<Answer<()>, ApiError> {
    if visit.caller.station().is_none() {
        visit.begins_anew(None);
    }
    if let (Some(session), Some(token)) = (visit.session().await?, visit.token) {
        let write = visit.write_as(&session).await?;
        if sessions::store::end(write.db(), &token, visit.now()).await? {
            let entity = Entity::one(EntityKind::Session, session.id.0);
            write.commit(Event::new(Category::Identity, Action::Delete, entity)).await?;
        }
    }
    visit.begins_anew(None);
    Ok(Answer::empty().cookie(visit.app.gate.cookies.take(Jar::Session)))
}

/// Under a token of its own, whatever the browser brought; what that stood for has ended.
async fn begin(visit: &Visit, session: Session) -> Given {
    let token = token();
    let write = match session.complete() {
        true => visit.write_as(&session).await?,
        false => Write::begin(&visit.caller, Purpose::Operations).await?,
    };
    if let Some(old) = &visit.token {
        sessions::store::end(write.db(), old, visit.now()).await?;
    }
    let digest = digest_of(&token);
    sessions::store::insert(write.db(), &session, &digest, visit.caller.request().address).await?;
    write.commit(moved(&session)).await?;
    visit.begins_anew(Some(&digest));
    Ok(shown(visit, &session).await?.cookie(visit.app.gate.cookies.give(Jar::Session, &token, None)))
}

fn new(visit: &Visit, login: &str, account: Account) -> Session {
    let now = visit.now();
    Session {
        id: SessionId::new(now),
        user: account.user,
        login: login.to_owned(),
        display_name: account.display_name,
        realm: account.realm,
        station: visit.caller.station(),
        factors: Vec::new(),
        started_at: now,
        stepped_up_at: None,
        last_input_at: now,
        locked_at: None,
        expires_at: now.plus_millis(LONGEST_MS),
    }
}

/// As it is stored: in small letters.
fn as_login(text: &str) -> Result<String, ApiError> {
    if text.chars().any(char::is_control) {
        return Err(ApiError::bad_request("invalid_login", "a user name is one line of text"));
    }
    Ok(text.trim().to_lowercase())
}
