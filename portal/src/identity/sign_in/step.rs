//! A session goes on under another token, since what it may has changed (ASVS 7.2.4).

use super::model::SessionView;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Identity, Who, Write};
use crate::identity::answer::Answer;
use crate::identity::cookies::Jar;
use crate::identity::secret::{Digest, digest_of, token};
use crate::identity::sessions::{self, Session};
use crate::identity::visit::Visit;
use crate::identity::{authenticate, stations};
use crate::web::ApiError;

/// The event of a session that came about or is worth more.
pub(crate) fn moved(session: &Session) -> Event {
    Event::new(Category::Identity, Action::Execute, Entity::one(EntityKind::Session, session.id.0))
}

/// Commits `write`, in which the session is changed to `session`, and gives the browser its new token.
pub(crate) async fn give(
    visit: &Visit,
    write: Write,
    had: &Digest,
    session: &Session,
    event: Event,
) -> Result<Answer<SessionView>, ApiError> {
    let token = token();
    let digest = digest_of(&token);
    if !sessions::store::change(write.db(), session, had, &digest).await? {
        return Err(ApiError::NotSignedIn);
    }
    write.commit(event).await?;
    visit.goes_on_by(&digest);
    if session.locked_at.is_some() {
        visit.app.seats.locks(&visit.proof_with(&digest), visit.now());
    }
    Ok(shown(visit, session).await?.cookie(visit.app.gate.cookies.give(Jar::Session, &token, None)))
}

/// How things stand with this session.
pub(super) async fn shown(visit: &Visit, session: &Session) -> Result<Answer<SessionView>, ApiError> {
    let (db, now) = (visit.db().await?, visit.now());
    let roles = authenticate::roles(&db, session.user, now).await?;
    let station = stations::of(&db, visit.caller.station()).await?;
    Ok(Answer::new(SessionView::new(session, roles, station, now)))
}

impl Visit {
    /// A transaction of who this turned out to be.
    pub(in crate::identity) async fn write_as(&self, session: &Session) -> Result<Write, ApiError> {
        let roles = authenticate::roles(&self.db().await?, session.user, self.now()).await?;
        let &Session { id, user, station, realm, .. } = session;
        let who = Who::User { user, session: id, station };
        let caller = self.caller.turned_out(Identity::new(who, Some(realm), roles));
        Write::begin(&caller, Purpose::Operations).await
    }
}
