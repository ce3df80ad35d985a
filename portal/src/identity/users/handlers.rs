use vitals::{Realm, Timestamp, UserId};

use super::model::{Invited, NewUser, PageQuery, User, UserList, login, name};
use super::store;
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read, Versioned, Write};
use crate::identity::answer::Answer;
use crate::identity::page::Page;
use crate::identity::secret::{digest_of, token};
use crate::identity::{sessions, welcome};
use crate::web::{ApiError, Json};

/// Of an invitation: it travels by hand or by mail.
const INVITATION_MS: i64 = 24 * 3_600_000;

pub(super) async fn list(query: PageQuery, app: App, caller: Caller) -> Result<Json<UserList>, ApiError> {
    let (page, realm, now) = (Page::parse(query.cursor.as_deref(), query.limit)?, realm(&caller)?, app.clock.now());
    let read = Read::begin(&caller, Purpose::Operations).await?;
    let found = read.find(async |db| store::list(db, Some(realm), page.ask(), None, now).await).await?;
    let users = read.seen(found, |_| event(Action::Read, Entity::all(EntityKind::User))).await?;
    let (users, next) = page.cut(users, |user| user.id.0);
    Ok(Json(UserList { users, next }))
}

pub(super) async fn invite(app: App, caller: Caller, new: NewUser) -> Result<Answer<Invited>, ApiError> {
    let (login, name) = (login(&new.login)?, name(Some(&new.display_name))?);
    let (now, token) = (app.clock.now(), token());
    let (id, until) = (UserId::new(now), now.plus_millis(INVITATION_MS));
    let write = Write::begin(&caller, Purpose::Operations).await?;
    store::insert(write.db(), id, realm(&caller)?, &login, &name).await.map_err(taken)?;
    welcome::store::invite(write.db(), &digest_of(&token), id, caller.user(), (now, until)).await?;
    write.commit(event(Action::Create, Entity::one(EntityKind::User, id.0))).await?;
    let user = User { id, login, display_name: name, status: "invited".to_owned(), roles: Vec::new(), version: 1 };
    Ok(Answer::created(Invited { user, token: token.to_string(), expires_at: until }).version(1))
}

pub(super) async fn disable(id: UserId, app: App, caller: Caller) -> Result<Answer<User>, ApiError> {
    if caller.user() == Some(id) {
        return Err(ApiError::Forbidden { code: "own_account", detail: "another administrator must do this" });
    }
    let (realm, now) = (realm(&caller)?, app.clock.now());
    let write = Write::begin(&caller, Purpose::Operations).await?;
    store::lock_administrators(write.db()).await?;
    administers_still(&write, caller.user(), now).await?;
    write.unchanged(Versioned::User, id.0).await?;
    if store::last_administrator(write.db(), id, None, now).await? {
        return Err(last_administrator());
    }
    if !store::disable(write.db(), id, Some(realm), now).await? {
        return Err(unknown());
    }
    sessions::store::revoke(write.db(), id, None, None, now).await?;
    let user = store::list(write.db(), Some(realm), (None, 1), Some(id), now).await?.pop().ok_or_else(unknown)?;
    write.commit(event(Action::Delete, Entity::one(EntityKind::User, id.0))).await?;
    let version = user.version;
    Ok(Answer::new(user).version(version))
}

pub(in crate::identity) fn taken(error: ::store::Error) -> ApiError {
    match error.constraint() {
        Some("users_login_key") => ApiError::Conflict { code: "login_taken", detail: "somebody has this user name" },
        _ => error.into(),
    }
}

/// Under the lock, since it may have ended while he waited for it.
pub(in crate::identity) async fn administers_still(
    write: &Write,
    user: Option<UserId>,
    now: Timestamp,
) -> Result<(), ApiError> {
    let user = user.ok_or(ApiError::NotSignedIn)?;
    match store::administers(write.db(), user, now).await? {
        true => Ok(()),
        false => Err(ApiError::missing_permission()),
    }
}

pub(in crate::identity) fn last_administrator() -> ApiError {
    ApiError::Conflict { code: "last_administrator", detail: "nobody would be left to give rights" }
}

fn event(action: Action, entity: Entity) -> Event {
    Event::new(Category::Rights, action, entity)
}

fn realm(caller: &Caller) -> Result<Realm, ApiError> {
    caller.realm().ok_or(ApiError::NotSignedIn)
}

fn unknown() -> ApiError {
    ApiError::NotFound { code: "not_found", detail: "no user has this id" }
}
