use vitals::{Realm, StationId, subscriber};
use warp::http::StatusCode;

use super::model::{CodeGiven, EnrolBody, NewStation, PrivacyBody, StationList, StationView};
use super::store;
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Identity, Proof, Read, Versioned, Who, Write};
use crate::identity::answer::Answer;
use crate::identity::cookies::Jar;
use crate::identity::secret::{code, digest_of, normal, token};
use crate::identity::sessions;
use crate::identity::sockets::{Ended, Holder};
use crate::identity::throttle::Charge;
use crate::identity::visit::Visit;
use crate::web::{ApiError, Json};

/// A token, from when it is given.
const DAYS: u32 = 90;

const DAY_MS: i64 = 86_400_000;

/// A code is read from one screen and typed on another.
pub(super) const CODE_MS: i64 = 10 * 60_000;

pub(super) async fn list(caller: Caller) -> Result<Json<StationList>, ApiError> {
    let realm = realm(&caller)?;
    let read = Read::begin(&caller, Purpose::Operations).await?;
    let found = read.find(async |db| store::list(db, realm).await).await?;
    let stations = read.seen(found, |_| event(Action::Read, Entity::all(EntityKind::Station))).await?;
    Ok(Json(StationList { stations }))
}

pub(super) async fn create(app: App, caller: Caller, new: NewStation) -> Result<Answer<CodeGiven>, ApiError> {
    let control = new.name.chars().any(char::is_control);
    if control || new.name.trim().is_empty() || new.name.chars().count() > 100 {
        return Err(ApiError::bad_request("invalid_name", "1 to 100 characters on one line"));
    }
    let (realm, id) = (realm(&caller)?, StationId::new(app.clock.now()));
    let write = Write::begin(&caller, Purpose::Operations).await?;
    store::insert(write.db(), id, realm, &new).await.map_err(|error| match error.constraint() {
        Some("stations_location_id_realm_fkey") => ApiError::bad_request("unknown_location", "no such place"),
        _ => error.into(),
    })?;
    give_code(&app, &caller, write, id, Action::Create).await
}

/// For the same place again: another screen, or one that has lost its cookie. What it had before is void once it is used.
pub(super) async fn new_code(id: StationId, app: App, caller: Caller) -> Result<Answer<CodeGiven>, ApiError> {
    let write = Write::begin(&caller, Purpose::Operations).await?;
    give_code(&app, &caller, write, id, Action::Update).await
}

async fn give_code(
    app: &App,
    caller: &Caller,
    write: Write,
    id: StationId,
    action: Action,
) -> Result<Answer<CodeGiven>, ApiError> {
    let (realm, code, now) = (realm(caller)?, code::<10>(), app.clock.now());
    let until = now.plus_millis(CODE_MS);
    let mut known = store::list(write.db(), realm).await?.into_iter();
    let station = known.find(|station| station.id == id && !station.revoked).ok_or_else(unknown)?;
    store::new_code(write.db(), id, &digest_of(&normal(&code)), caller.user(), (now, until)).await?;
    write.commit(event(action, Entity::one(EntityKind::Station, id.0))).await?;
    let version = station.version;
    Ok(Answer::created(CodeGiven { station, code: code.to_string(), code_expires_at: until }).version(version))
}

pub(super) async fn set_privacy(
    id: StationId,
    caller: Caller,
    body: PrivacyBody,
) -> Result<Answer<StationView>, ApiError> {
    let write = Write::begin(&caller, Purpose::Operations).await?;
    write.unchanged(Versioned::Station, id.0).await?;
    if !store::set_privacy(write.db(), id, realm(&caller)?, body.privacy).await? {
        return Err(unknown());
    }
    let station = store::of(write.db(), Some(id)).await?.ok_or_else(unknown)?;
    write.commit(event(Action::Update, Entity::one(EntityKind::Station, id.0))).await?;
    let version = station.version;
    Ok(Answer::new(station).version(version))
}

pub(super) async fn revoke(id: StationId, app: App, caller: Caller) -> Result<StatusCode, ApiError> {
    let write = Write::begin(&caller, Purpose::Operations).await?;
    write.unchanged(Versioned::Station, id.0).await?;
    if !store::revoke(write.db(), id, realm(&caller)?, app.clock.now()).await? {
        return Err(unknown());
    }
    write.commit(event(Action::Delete, Entity::one(EntityKind::Station, id.0))).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// This browser becomes the screen of the code. Whoever was signed in with it is no longer: a screen belongs to its place.
pub(super) async fn enrol(visit: Visit, body: EnrolBody) -> Result<Answer<StationView>, ApiError> {
    let address = visit.caller.request().address.map(|address| Charge::Address(subscriber(address)));
    let attempt = visit.charge(address.into_iter().collect(), false)?;
    let (cookies, now, token) = (visit.app.gate.cookies, visit.now(), token());
    let write = Write::begin(&visit.caller, Purpose::Operations).await?;
    let wrong = || ApiError::NotFound { code: "unknown_code", detail: "the code is wrong, used, or older than 10 min" };
    let Some(id) = store::redeem(write.db(), &digest_of(&normal(&body.code)), now).await? else {
        drop(write);
        return Err(visit.denied(None, wrong()).await?);
    };
    let until = now.plus_millis(i64::from(DAYS) * DAY_MS);
    if !store::set_token(write.db(), id, &digest_of(&token), until, None).await? {
        return Err(wrong());
    }
    if let Some(session) = &visit.token {
        sessions::store::end(write.db(), session, now).await?;
    }
    let station = store::of(write.db(), Some(id)).await?.ok_or_else(unknown)?;
    write.commit(event(Action::Execute, Entity::one(EntityKind::Station, id.0))).await?;
    attempt.was_right();
    visit.app.seats.give_up(&visit.caller.request().proof);
    visit.app.seats.give_up_station(id);
    visit.app.gate.sockets.end(Holder::Station(id), Ended::Replaced);
    Ok(Answer::new(station).cookie(cookies.give(Jar::Station, &token, Some(DAYS))).cookie(cookies.take(Jar::Session)))
}

/// Another token for 90 days, once the one it has is a day old.
pub(super) async fn renew(visit: Visit) -> Result<Answer<StationView>, ApiError> {
    let none = || ApiError::Unproven { code: "no_station", detail: "this screen is no station" };
    let (had, now) = (visit.station_token.ok_or_else(none)?, visit.now());
    let station = store::by_token(&visit.db().await?, &had, now).await?.ok_or_else(none)?;
    let until = now.plus_millis(i64::from(DAYS) * DAY_MS);
    if station.newest && until.millis_since(station.expires_at) < DAY_MS {
        return Ok(Answer::new(store::of(&visit.db().await?, Some(station.id)).await?.ok_or_else(none)?));
    }
    let (token, id) = (token(), station.id);
    let identity = Identity::new(Who::Station(id), Some(station.realm), Vec::new());
    let (write, digest) =
        (Write::begin(&visit.caller.turned_out(identity), Purpose::Operations).await?, digest_of(&token));
    if !store::set_token(write.db(), id, &digest, until, Some((&had, station.expires_at))).await? {
        return Err(none());
    }
    let view = store::of(write.db(), Some(id)).await?.ok_or_else(none)?;
    write.commit(event(Action::Update, Entity::one(EntityKind::Station, id.0))).await?;
    let old = visit.caller.request().proof;
    visit.app.seats.moves(old, Proof { station: Some(digest), ..old }, None, now);
    Ok(Answer::new(view).cookie(visit.app.gate.cookies.give(Jar::Station, &token, Some(DAYS))))
}

fn event(action: Action, entity: Entity) -> Event {
    Event::new(Category::Identity, action, entity)
}

fn realm(caller: &Caller) -> Result<Realm, ApiError> {
    caller.realm().ok_or(ApiError::NotSignedIn)
}

fn unknown() -> ApiError {
    ApiError::NotFound { code: "not_found", detail: "no station has this id" }
}
