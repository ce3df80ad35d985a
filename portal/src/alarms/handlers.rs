use super::model::{Alarms, AlarmsQuery, State};
use super::rows::from_row;
use crate::app::App;
use crate::web::{ApiError, Cursor, Json};

/// Alarms on one page.
const MOST: u16 = 500;
const USUAL: u16 = 100;

pub(super) async fn list(query: AlarmsQuery, app: App) -> Result<Json<Alarms>, ApiError> {
    let limit = query.limit.unwrap_or(USUAL);
    if !(1..=MOST).contains(&limit) {
        return Err(ApiError::bad_request("invalid_limit", format!("a page has 1 to {MOST} alarms")));
    }
    let before = query.cursor.as_deref().map(Cursor::parse).transpose()?.map(|cursor| (cursor.at, cursor.id));
    let db = app.pool.get().await?;
    // One more than asked for says whether there is a next page.
    let mut rows = store::alarms::page(&db, before, query.state == State::Active, i64::from(limit) + 1).await?;
    let more = rows.len() > usize::from(limit);
    rows.truncate(usize::from(limit));
    let next = rows.last().filter(|_| more).map(|row| Cursor { at: row.raised_at, id: row.id }.print());
    let roster = app.roster.borrow().clone();
    Ok(Json(Alarms { alarms: rows.iter().map(|row| from_row(row, &roster)).collect(), next }))
}
