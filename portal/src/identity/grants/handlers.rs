use vitals::{Realm, RoleGrantId, Timestamp, UserId};
use warp::http::StatusCode;

use super::model::{Grant, GrantList, GrantsQuery, NewGrant, Wanted};
use super::store;
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read, Versioned, Write};
use crate::identity::answer::Answer;
use crate::identity::page::Page;
use crate::identity::users;
use crate::identity::users::handlers::administers_still;
use crate::permission::Role;
use crate::web::{ApiError, Json};

pub(super) async fn list(query: GrantsQuery, app: App, caller: Caller) -> Result<Json<GrantList>, ApiError> {
    let (page, now) = (Page::parse(query.cursor.as_deref(), query.limit)?, app.clock.now());
    let wanted = store::Wanted { of: query.user, only: None, pending: query.state == Wanted::Pending };
    let (realm, read) = (realm(&caller)?, Read::begin(&caller, Purpose::Operations).await?);
    let found = read.find(async |db| store::list(db, realm, page.ask(), wanted, now).await).await?;
    let event = |_: &_| event(Action::Read, Entity::all(EntityKind::RoleGrant));
    let (grants, next) = page.cut(read.seen(found, event).await?, |grant| grant.id.0);
    Ok(Json(GrantList { grants, next }))
}

pub(super) async fn propose(app: App, caller: Caller, new: NewGrant) -> Result<Answer<Grant>, ApiError> {
    let (by, now, realm) = (user(&caller)?, app.clock.now(), realm(&caller)?);
    let write = Write::begin(&caller, Purpose::Operations).await?;
    let grant = proposed(&write, realm, &new, by, now).await?;
    write.commit(event(Action::Create, Entity::one(EntityKind::RoleGrant, grant.id.0))).await?;
    let version = grant.version;
    Ok(Answer::created(grant).version(version))
}

/// All that is asked before somebody is given a role.
pub(in crate::identity) async fn proposed(
    write: &Write,
    realm: Realm,
    new: &NewGrant,
    by: UserId,
    now: Timestamp,
) -> Result<Grant, ApiError> {
    if new.user_id == by.0 {
        return Err(own_grants());
    }
    if new.location_id.is_some() {
        return Err(ApiError::bad_request("location_not_enforced", "a role holds everywhere: leave `location_id` out"));
    }
    if new.until.is_some_and(|until| until <= now) {
        return Err(ApiError::bad_request("invalid_span", "`until` must be to come"));
    }
    let id = RoleGrantId::new(now);
    users::store::lock_administrators(write.db()).await?;
    administers_still(write, Some(by), now).await?;
    refuse_excluded(write, new, now).await?;
    // As long as there is one administrator, nobody could approve the second one.
    let awaits = new.role == Role::Administrator && users::store::administrators(write.db(), realm, now).await? > 1;
    store::insert(write.db(), id, realm, new, (by, awaits), now).await.map_err(|error| match error.constraint() {
        Some("role_grants_once") => {
            ApiError::Conflict { code: "granted_already", detail: "this role is granted or proposed already" }
        }
        Some("role_grants_user_id_realm_fkey") => unknown("no user has this id"),
        _ => error.into(),
    })?;
    one(write, realm, id, now).await
}

pub(super) async fn approve(id: RoleGrantId, app: App, caller: Caller) -> Result<Answer<Grant>, ApiError> {
    let (by, now, realm) = (user(&caller)?, app.clock.now(), realm(&caller)?);
    let write = Write::begin(&caller, Purpose::Operations).await?;
    let grant = approved(&write, realm, id, by, now).await?;
    write.commit(event(Action::Update, Entity::one(EntityKind::RoleGrant, id.0))).await?;
    let version = grant.version;
    Ok(Answer::new(grant).version(version))
}

/// All that is asked before a second person's word counts.
pub(in crate::identity) async fn approved(
    write: &Write,
    realm: Realm,
    id: RoleGrantId,
    by: UserId,
    now: Timestamp,
) -> Result<Grant, ApiError> {
    users::store::lock_administrators(write.db()).await?;
    administers_still(write, Some(by), now).await?;
    write.unchanged(Versioned::RoleGrant, id.0).await?;
    let grant = one(write, realm, id, now).await?;
    if grant.user_id == by {
        return Err(own_grants());
    }
    if grant.granted_by == Some(by.to_string()) {
        return Err(ApiError::Forbidden { code: "own_proposal", detail: "another administrator must approve it" });
    }
    // Two say so only while the first one may.
    let proposer = grant.granted_by.as_deref().and_then(|id| id.parse().ok());
    if let Some(proposer) = proposer
        && !users::store::administers(write.db(), proposer, now).await?
    {
        let detail = "who proposed it administers no longer: end it, and propose it anew";
        return Err(ApiError::Conflict { code: "proposer_gone", detail });
    }
    if grant.state != "pending" || !store::approve(write.db(), id, by, now).await? {
        return Err(ApiError::Conflict { code: "not_pending", detail: "there is nothing to approve" });
    }
    one(write, realm, id, now).await
}

pub(super) async fn end(id: RoleGrantId, app: App, caller: Caller) -> Result<StatusCode, ApiError> {
    let (by, now, realm) = (user(&caller)?, app.clock.now(), realm(&caller)?);
    let write = Write::begin(&caller, Purpose::Operations).await?;
    users::store::lock_administrators(write.db()).await?;
    administers_still(&write, Some(by), now).await?;
    write.unchanged(Versioned::RoleGrant, id.0).await?;
    let grant = one(&write, realm, id, now).await?;
    if grant.user_id == by {
        return Err(own_grants());
    }
    if users::store::last_administrator(write.db(), grant.user_id, Some(id), now).await? {
        return Err(users::handlers::last_administrator());
    }
    if !store::end(write.db(), id, now).await? {
        return Err(ApiError::Conflict { code: "ended_already", detail: "it has ended" });
    }
    write.commit(event(Action::Delete, Entity::one(EntityKind::RoleGrant, id.0))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Nobody who hands out rights opens charts, also not by two roles.
async fn refuse_excluded(write: &Write, new: &NewGrant, now: Timestamp) -> Result<(), ApiError> {
    let held = store::held(write.db(), UserId(new.user_id), now).await?;
    let excludes = |one: Role, other: Role| one == Role::Administrator && other.opens_charts();
    match held.into_iter().find(|held| excludes(*held, new.role) || excludes(new.role, *held)) {
        None => Ok(()),
        Some(_) => Err(ApiError::Conflict {
            code: "excluded_role",
            detail: "an administrator has no role that knows patients, and who has one administers nothing",
        }),
    }
}

async fn one(write: &Write, realm: Realm, id: RoleGrantId, now: Timestamp) -> Result<Grant, ApiError> {
    let wanted = store::Wanted { of: None, only: Some(id), pending: false };
    let found = store::list(write.db(), realm, (None, 1), wanted, now).await?.pop();
    found.ok_or_else(|| unknown("no grant has this id"))
}

fn own_grants() -> ApiError {
    ApiError::Forbidden { code: "own_grants", detail: "nobody changes what he may do himself" }
}

fn unknown(detail: &'static str) -> ApiError {
    ApiError::NotFound { code: "not_found", detail }
}

fn user(caller: &Caller) -> Result<UserId, ApiError> {
    caller.user().ok_or(ApiError::NotSignedIn)
}

fn realm(caller: &Caller) -> Result<Realm, ApiError> {
    caller.realm().ok_or(ApiError::NotSignedIn)
}

fn event(action: Action, entity: Entity) -> Event {
    Event::new(Category::Rights, action, entity)
}
