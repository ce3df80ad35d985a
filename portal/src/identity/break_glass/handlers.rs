use keys::Field;
use uuid::Uuid;
use vitals::PatientId;
use warp::http::StatusCode;

use super::model::{AccessQuery, BreakGlass, GlassAccess, GlassAccesses, GlassBroken, GlassReviewBody, Looked};
use super::store::{self, New, Stored};
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read, Write};
use crate::identity::answer::Answer;
use crate::identity::cookies::Jar;
use crate::identity::page::Page;
use crate::identity::secret::{digest_of, token};
use crate::identity::sessions::{self, State};
use crate::identity::visit::Visit;
use crate::web::{ApiError, Json};

const LASTS_MS: i64 = 60 * 60_000;

/// Until then somebody else must have looked at it.
const REVIEWED_MS: i64 = 72 * 3_600_000;

const REASON: Field = Field::new("access_grants", "reason_sealed");

pub(super) async fn open(visit: Visit, body: BreakGlass) -> Result<Answer<GlassBroken>, ApiError> {
    let patient = PatientId(body.patient_id);
    visit.caller.asks_for(Entity::one(EntityKind::Patient, body.patient_id), [patient]);
    let (session, had) = visit.session_in(&[State::Open]).await?;
    session.require_step_up(visit.now())?;
    if !(1..=500).contains(&body.reason.trim().chars().count()) {
        return Err(ApiError::bad_request("invalid_reason", "1 to 500 characters"));
    }
    let now = visit.now();
    let write = Write::begin(&visit.caller, Purpose::BreakGlass).await?;
    match store::standing(write.db(), patient).await?.as_str() {
        "no_relation" if !store::own(write.db(), patient).await? => {}
        "no_relation" => {
            return Err(ApiError::Forbidden { code: "own_record", detail: "nobody opens his own record" });
        }
        "seen" => {
            return Err(ApiError::Conflict { code: "related_already", detail: "this record is open to you already" });
        }
        _ => return Err(ApiError::NotFound { code: "not_found", detail: "no patient has this id" }),
    }
    let (id, until) = (vitals::CorrelationId::new(now).0, now.plus_millis(LASTS_MS));
    let key = visit.app.keyring.patient(patient).await?;
    let sealed = key.seal(REASON, id.as_bytes(), body.reason.trim().as_bytes());
    let new = New {
        id,
        realm: session.realm,
        user: session.user,
        patient,
        during: (now, until),
        reason: (body.reason_code.word(), &sealed),
        due_at: now.plus_millis(REVIEWED_MS),
    };
    store::insert(write.db(), &new).await?;
    let token = token();
    let digest = digest_of(&token);
    if !sessions::store::change(write.db(), &session, &had, &digest).await? {
        return Err(ApiError::NotSignedIn);
    }
    write.commit(event(Action::Create, Entity::one(EntityKind::AccessGrant, id)).about([patient])).await?;
    visit.goes_on_by(&digest);
    metrics::counter!("vigil_break_glass_total").increment(1);
    let cookie = visit.app.gate.cookies.give(Jar::Session, &token, None);
    Ok(Answer::created(GlassBroken { id: id.to_string(), patient_id: patient, until }).cookie(cookie))
}

pub(super) async fn list(query: AccessQuery, app: App, caller: Caller) -> Result<Json<GlassAccesses>, ApiError> {
    let page = Page::parse(query.cursor.as_deref(), query.limit)?;
    let read = Read::begin(&caller, Purpose::Operations).await?;
    let unreviewed = query.state == Looked::Unreviewed;
    let shown_of = async |db: &_| {
        let found = store::list(db, unreviewed, page.ask()).await?;
        Ok::<_, ::store::Error>(page.cut(found, |stored| stored.id))
    };
    let found = read.find(shown_of).await?;
    let event = |(found, _): &(Vec<Stored>, _)| {
        let patients = found.iter().map(|stored| stored.patient);
        event(Action::Read, Entity::all(EntityKind::AccessGrant)).about(patients)
    };
    let (stored, next) = read.seen(found, event).await?;
    let mut accesses = Vec::with_capacity(stored.len());
    for stored in stored {
        accesses.push(shown(&app, stored).await);
    }
    Ok(Json(GlassAccesses { accesses, next }))
}

pub(super) async fn review(id: Uuid, app: App, caller: Caller, body: GlassReviewBody) -> Result<StatusCode, ApiError> {
    let write = Write::begin(&caller, Purpose::Operations).await?;
    let (outcome, patient) = store::review(write.db(), id, body.review.word(), app.clock.now()).await?;
    let glass = Entity::one(EntityKind::AccessGrant, id);
    caller.asks_for(glass.clone(), patient);
    match outcome.as_str() {
        "reviewed" => {}
        "open" => {
            return Err(ApiError::Conflict { code: "still_open", detail: "it can be justified once it is over" });
        }
        "own" => return Err(ApiError::Forbidden { code: "own_access", detail: "somebody else must look at it" }),
        "already" => {
            return Err(ApiError::Conflict { code: "reviewed_already", detail: "somebody has looked at it" });
        }
        _ => return Err(ApiError::NotFound { code: "not_found", detail: "no such access" }),
    }
    write.commit(event(Action::Update, glass).about(patient)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Its reason stays sealed where the patient's key was destroyed.
async fn shown(app: &App, stored: Stored) -> GlassAccess {
    let Stored { id, user, patient, from, until, reason_code, reason_sealed, due_at, reviewed } = stored;
    let key = app.keyring.patient(patient).await.ok();
    let reason = key.zip(reason_sealed).and_then(|(key, sealed)| key.open(REASON, id.as_bytes(), &sealed).ok());
    let (reviewed_by, reviewed_at, review) = match reviewed {
        Some((by, at, review)) => (Some(by.to_string()), Some(at), Some(review)),
        None => (None, None, None),
    };
    GlassAccess {
        id: id.to_string(),
        user_id: user,
        patient_id: patient,
        from,
        until,
        reason_code,
        reason: reason.map(|reason| String::from_utf8_lossy(&reason).into_owned()),
        due_at,
        overdue: review.is_none() && due_at <= app.clock.now(),
        reviewed_by,
        reviewed_at,
        review,
    }
}

fn event(action: Action, entity: Entity) -> Event {
    Event::new(Category::Rights, action, entity)
}
