use vitals::AlarmId;

use super::model::{Alarms, AlarmsQuery, State};
use super::rows::from_row;
use super::store::subjects;
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};
use crate::caller::{Caller, Read};
use crate::web::{ApiError, Cursor, Json};

/// Alarms on one page.
const MOST: u16 = 500;
const USUAL: u16 = 100;

pub(super) async fn list(query: AlarmsQuery, app: App, caller: Caller) -> Result<Json<Alarms>, ApiError> {
    let limit = query.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::bad_request("invalid_limit", format!("a page has 1 to {MOST} alarms")));
    }
    let before = query.cursor.as_deref().map(Cursor::parse).transpose()?.map(|cursor| (cursor.at, AlarmId(cursor.id)));
    let read = Read::begin(&caller, Purpose::Treatment).await?;
    let found = read.find(async |db| {
        // One more than asked for says whether there is a next page.
        let mut rows = store::alarms::page(db, before, query.state == State::Active, i64::from(limit) + 1).await?;
        let more = rows.len() > usize::from(limit);
        rows.truncate(usize::from(limit));
        let subjects = subjects(db, &rows).await?;
        Ok::<_, ApiError>((rows, more, subjects))
    });
    let found = found.await?;
    let seen = read.seen(found, |(.., subjects)| {
        Event::new(Category::Care, Action::Read, Entity::all(EntityKind::Alarm)).about(subjects.iter().copied())
    });
    let (rows, more, _) = seen.await?;
    let next = rows.last().filter(|_| more).map(|row| Cursor { at: row.raised_at, id: row.id.0 }.print());
    let roster = app.roster.borrow().clone();
    Ok(Json(Alarms { alarms: rows.iter().map(|row| from_row(row, &roster)).collect(), next }))
}
