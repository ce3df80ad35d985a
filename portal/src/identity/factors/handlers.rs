use super::model::{Codes, NewPassword, NewPin, SeedShown};
use super::recovery;
use crate::audit::{Action, Category, Entity, EntityKind, Event};
use crate::identity::answer::Answer;
use crate::identity::credentials;
use crate::identity::password::{pin_weakness, weakness};
use crate::identity::secret::Digest;
use crate::identity::sessions::{self, Factor, Session, State};
use crate::identity::sign_in::{CodeBody, SessionView, give};
use crate::identity::throttle::Kind;
use crate::identity::totp::Seed;
use crate::identity::visit::Visit;
use crate::web::ApiError;

pub(super) async fn password(visit: Visit, body: NewPassword) -> Result<Answer<SessionView>, ApiError> {
    let (session, had) = stepped_up(&visit).await?;
    if let Some(why) = weakness(&body.password, &session.login) {
        return Err(ApiError::bad_request("weak_password", why));
    }
    let hash = visit.app.gate.hasher.hash(body.password).await?;
    let (write, now) = (visit.write_as(&session).await?, visit.now());
    credentials::revoke_kind(write.db(), session.user, Factor::Password, true, now).await?;
    credentials::insert_hash(write.db(), (session.user, Factor::Password), &hash, (now, Some(now))).await?;
    sessions::store::revoke(write.db(), session.user, None, Some(session.id), now).await?;
    give(&visit, write, &had, &session, changed()).await
}

/// Counts for nothing until a code of it has come; the one before goes on until then.
pub(super) async fn new_totp(visit: Visit) -> Result<Answer<SeedShown>, ApiError> {
    let (session, _) = stepped_up(&visit).await?;
    let (seed, write) = (Seed::draw(), visit.write_as(&session).await?);
    credentials::revoke_pending(write.db(), session.user, Factor::Totp, visit.now()).await?;
    credentials::insert_seed(write.db(), visit.app.keyring.system(), session.user, &seed, visit.now()).await?;
    write.commit(changed()).await?;
    Ok(Answer::new(SeedShown::new(&seed, &session.login)))
}

pub(super) async fn confirm_totp(visit: Visit, body: CodeBody) -> Result<Answer<SessionView>, ApiError> {
    let (session, had) = stepped_up(&visit).await?;
    let attempt = visit.attempt_in(Kind::Code, &session)?;
    let (write, now) = (visit.write_as(&session).await?, visit.now());
    let pending = credentials::totp(write.db(), visit.app.keyring.system(), session.user, false).await?;
    let Some(step) = pending.and_then(|seed| seed.step(body.code.trim(), visit.wall())) else {
        drop(write);
        return Err(visit.denied(Some(session.user), ApiError::wrong_code()).await?);
    };
    attempt.was_right();
    credentials::revoke_kind(write.db(), session.user, Factor::Totp, false, now).await?;
    credentials::confirm(write.db(), session.user, Factor::Totp, Some(step), now).await?;
    sessions::store::revoke(write.db(), session.user, None, Some(session.id), now).await?;
    give(&visit, write, &had, &session, changed()).await
}

pub(super) async fn recovery_codes(visit: Visit) -> Result<Answer<Codes>, ApiError> {
    let (session, _) = stepped_up(&visit).await?;
    let made = recovery::make(&visit.app).await?;
    let write = visit.write_as(&session).await?;
    made.store(&write, session.user, visit.now()).await?;
    write.commit(changed()).await?;
    Ok(Answer::new(Codes { codes: made.codes }))
}

pub(super) async fn pin(visit: Visit, body: NewPin) -> Result<Answer<()>, ApiError> {
    let (session, _) = stepped_up(&visit).await?;
    if let Some(why) = pin_weakness(&body.pin) {
        return Err(ApiError::bad_request("weak_pin", why));
    }
    let hash = visit.app.gate.hasher.hash(body.pin).await?;
    let (write, now) = (visit.write_as(&session).await?, visit.now());
    credentials::revoke_kind(write.db(), session.user, Factor::Pin, true, now).await?;
    credentials::insert_hash(write.db(), (session.user, Factor::Pin), &hash, (now, Some(now))).await?;
    write.commit(changed()).await?;
    Ok(Answer::empty())
}

async fn stepped_up(visit: &Visit) -> Result<(Session, Digest), ApiError> {
    let (session, had) = visit.session_in(&[State::Open]).await?;
    session.require_step_up(visit.now())?;
    Ok((session, had))
}

fn changed() -> Event {
    Event::new(Category::Identity, Action::Update, Entity::all(EntityKind::Credential))
}
