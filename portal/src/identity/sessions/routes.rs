use vitals::SessionId;
use warp::Filter;

use super::handlers;
use super::model::SessionList;
use crate::app::App;
use crate::web::{Access, Endpoint, Route, mount, routes};

const LIST: Endpoint = Endpoint::get("/api/sessions", Access::SignedIn, "One's own sessions").answers::<SessionList>();
const REVOKE: Endpoint =
    Endpoint::delete("/api/sessions/{id}", Access::SignedIn, "Ends a session of one's own").no_content();
const REVOKE_OTHERS: Endpoint =
    Endpoint::delete("/api/sessions/others", Access::SignedIn, "Ends every session of one's own but this one")
        .no_content();

pub(crate) fn routes(app: &App) -> Route {
    let list = warp::path::end().and(warp::get()).and(app.filter()).and(app.caller(&LIST)).then(handlers::list);
    let others = warp::path!("others").and(warp::delete()).and(app.filter()).and(app.caller(&REVOKE_OTHERS));
    let others = others.then(handlers::revoke_others);
    let revoke = warp::path!(SessionId).and(warp::delete()).and(app.filter()).and(app.caller(&REVOKE));
    let revoke = revoke.then(handlers::revoke);
    mount("sessions", routes![LIST => list, REVOKE_OTHERS => others, REVOKE => revoke])
}
