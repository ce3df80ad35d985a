use uuid::Uuid;
use vitals::PatientId;
use warp::http::{HeaderValue, header};
use warp::reply::{Reply, Response};

use super::event::{Action, Purpose};
use super::model::{AuditEvents, CSV_HEAD, DisclosuresQuery, EventsQuery};
use super::search::{Page, Search};
use crate::app::App;
use crate::caller::{Caller, Read};
use crate::web::{ApiError, Cursor, Json};

/// Events on one page.
const MOST: u16 = 500;
const USUAL: u16 = 100;

/// Events in one answer of an export.
pub(super) const MOST_EXPORTED: u16 = 5_000;

/// How far back an accounting of disclosures must reach (45 CFR 164.528): six years, of which one has a leap day more.
const SIX_YEARS_MS: i64 = (6 * 365 + 2) * 86_400_000;

/// The cursor of the next page of an answer that has no place for it.
const NEXT: &str = "x-next-cursor";

pub(super) async fn list(query: EventsQuery, app: App, caller: Caller) -> Result<Json<AuditEvents>, ApiError> {
    let terms = terms(&query);
    let page = look(&app, &caller, search(query, USUAL, MOST)?, Action::Read, terms).await?;
    Ok(Json(listed(page)))
}

pub(super) async fn disclosures(
    patient: PatientId,
    query: DisclosuresQuery,
    app: App,
    caller: Caller,
) -> Result<Json<AuditEvents>, ApiError> {
    let DisclosuresQuery { from, to, limit, cursor } = query;
    let from = from.unwrap_or_else(|| caller.now().plus_millis(-SIX_YEARS_MS));
    let query = EventsQuery { user: None, patient: Some(patient), from: Some(from), to, limit, cursor };
    let terms = terms(&query);
    let search = Search { disclosures: true, ..search(query, USUAL, MOST)? };
    let page = look(&app, &caller, search, Action::Read, terms).await?;
    Ok(Json(listed(page)))
}

pub(super) async fn export_csv(query: EventsQuery, app: App, caller: Caller) -> Result<Response, ApiError> {
    let page = export(query, &app, &caller).await?;
    let mut text = String::from(CSV_HEAD);
    text.extend(page.events.iter().map(super::model::AuditEvent::csv));
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8; header=present"));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::from_static("attachment; filename=\"audit.csv\""));
    if let Some(Ok(next)) = listed(page).next.map(HeaderValue::try_from) {
        headers.insert(NEXT, next);
    }
    Ok(response)
}

pub(super) async fn export_json(query: EventsQuery, app: App, caller: Caller) -> Result<Json<AuditEvents>, ApiError> {
    Ok(Json(listed(export(query, &app, &caller).await?)))
}

async fn export(query: EventsQuery, app: &App, caller: &Caller) -> Result<Page, ApiError> {
    let terms = terms(&query);
    look(app, caller, search(query, MOST_EXPORTED, MOST_EXPORTED)?, Action::Execute, terms).await
}

async fn look(app: &App, caller: &Caller, search: Search, action: Action, terms: String) -> Result<Page, ApiError> {
    let read = Read::of_audit(caller, Purpose::Operations).await?;
    let (keyring, search) = (app.desk.audit().keyring(), Search { realm: caller.realm(), ..search });
    let page = read.find(async |db| search.page(db, keyring).await).await?;
    read.seen(page, |page| page.event(action, terms)).await
}

/// What was looked for, for the event of looking.
fn terms(query: &EventsQuery) -> String {
    serde_json::to_string(query).expect("a query is plain data")
}

fn search(query: EventsQuery, usual: u16, most: u16) -> Result<Search, ApiError> {
    let EventsQuery { user, patient, from, to, limit, cursor } = query;
    let limit = limit.unwrap_or(usual);
    if !(1..=most).contains(&limit) {
        return Err(ApiError::bad_request("invalid_limit", format!("a page has 1 to {most} events")));
    }
    let before = cursor.as_deref().map(Cursor::parse).transpose()?.map(|cursor| (cursor.at, cursor.id));
    Ok(Search { user, patient, from, to, before, most: limit, ..Search::default() })
}

fn listed(Page { events, more }: Page) -> AuditEvents {
    let place = |(at, id): (_, Uuid)| Cursor { at, id }.print();
    let next = events.last().filter(|_| more).map(|event| place((event.at, event.id)));
    AuditEvents { events, next }
}
