use std::sync::LazyLock;

use store::time::At;
use store::{Db, Error};
use vitals::{Timestamp, UserId};
use warp::http::HeaderMap;

use super::cookies::Jar;
use super::sessions::{self, State};
use super::stations;
use crate::app::App;
use crate::caller::{Identity, Request, Who};
use crate::permission::Role;
use crate::web::ApiError;

static ROLES: LazyLock<String> = LazyLock::new(|| format!("-- portal::identity::roles\n    {}", roles_of("$1", "$2")));

/// A role for two persons counts once it is approved, unless the command line gave it (`role_counts` of the schema).
pub(super) fn roles_of(user: &str, now: &str) -> String {
    format!(
        "SELECT DISTINCT r.code FROM role_grants g JOIN roles r ON r.id = g.role_id
        WHERE g.user_id = {user} AND g.during @> {now}::timestamptz
            AND role_counts(g, r) LIMIT 16"
    )
}

/// Finds out who makes the request. Asked for each anew: what is revoked is revoked at once.
pub(crate) async fn authenticate(app: &App, headers: &HeaderMap, request: &Request) -> Result<Identity, ApiError> {
    let (cookies, now) = (app.gate.cookies, app.clock.now());
    let (session, station) = (cookies.read(headers, Jar::Session), cookies.read(headers, Jar::Station));
    let mut identity = Identity::nobody();
    if session.is_none() && station.is_none() {
        return Ok(identity);
    }
    let shows_a_place = request.endpoint.is_some_and(|endpoint| endpoint.shows_a_place);
    let db = app.desk.identity_pool().get().await?;
    if let Some(token) = station
        && let Some(station) = stations::by_token(&db, &token, now).await?
    {
        identity = Identity::new(Who::Station(station.id), Some(station.realm), Vec::new());
    }
    if let Some(token) = session
        && let Some((session, roles)) = sessions::store::find_with_roles(&db, &token, now).await?
        && let Some(state) = session.state(now)
        && (state == State::Open || state == State::Locked && shows_a_place)
        // Taken from a station's screen to another, it is worth nothing.
        && session.station == identity.who.station()
    {
        let who = Who::User { user: session.user, session: session.id, station: session.station };
        let stepped_up = session.stepped_up(now);
        identity = Identity { stepped_up, ..Identity::new(who, Some(session.realm), roles) };
    }
    Ok(identity)
}

/// The roles that hold now. One that this program does not know gives nothing.
pub(crate) async fn roles(db: &impl Db, user: UserId, now: Timestamp) -> Result<Vec<Role>, Error> {
    let rows = db.query(&*ROLES, &[&user.0, &At(now)]).await?;
    let roles = rows.iter().map(|row| Ok(Role::from_word(row.try_get(0)?)));
    roles.filter_map(Result::transpose).collect()
}
