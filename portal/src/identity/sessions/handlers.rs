use vitals::SessionId;
use warp::http::StatusCode;

use super::model::{OwnSession, SessionList};
use super::store;
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read, Write};
use crate::web::{ApiError, Json};

pub(super) async fn list(app: App, caller: Caller) -> Result<Json<SessionList>, ApiError> {
    let user = caller.user().ok_or(ApiError::NotSignedIn)?;
    let read = Read::begin(&caller, Purpose::Operations).await?;
    let found = read.find(async |db| store::list(db, user, app.clock.now()).await).await?;
    let event = |_: &_| Event::new(Category::Identity, Action::Read, Entity::all(EntityKind::Session));
    let sessions = read.seen(found, event).await?;
    let own = sessions.iter().map(|(session, address)| OwnSession::new(session, address.clone(), caller.session()));
    Ok(Json(SessionList { sessions: own.collect() }))
}

pub(super) async fn revoke(session: SessionId, app: App, caller: Caller) -> Result<StatusCode, ApiError> {
    let user = caller.user().ok_or(ApiError::NotSignedIn)?;
    let write = Write::begin(&caller, Purpose::Operations).await?;
    if store::revoke(write.db(), user, Some(&[session]), None, app.clock.now()).await? == 0 {
        return Err(ApiError::NotFound { code: "not_found", detail: "no session of yours has this id" });
    }
    write.commit(ended(Entity::one(EntityKind::Session, session.0))).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn revoke_others(app: App, caller: Caller) -> Result<StatusCode, ApiError> {
    let user = caller.user().ok_or(ApiError::NotSignedIn)?;
    let write = Write::begin(&caller, Purpose::Operations).await?;
    store::revoke(write.db(), user, None, caller.session(), app.clock.now()).await?;
    write.commit(ended(Entity::all(EntityKind::Session))).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn ended(entity: Entity) -> Event {
    Event::new(Category::Identity, Action::Delete, entity)
}
