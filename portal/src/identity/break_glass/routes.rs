use uuid::Uuid;
use warp::Filter;

use super::handlers;
use super::model::{AccessQuery, BreakGlass, GlassAccesses, GlassBroken, GlassReviewBody};
use crate::app::App;
use crate::identity::visit::visit;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, json, mount, routes};

const REVIEWS: Access = Access::Needs(Permission::ReviewBreakGlass);

const OPEN: Endpoint =
    Endpoint::post("/api/break-glass", Access::Needs(Permission::BreakGlass), "Opens a record for an hour")
        .takes::<BreakGlass>()
        .answers::<GlassBroken>()
        .created();
const LIST: Endpoint = Endpoint::get("/api/break-glass", REVIEWS, "What was opened so, to be looked at")
    .query::<AccessQuery>()
    .answers::<GlassAccesses>();
const REVIEW: Endpoint = Endpoint::post("/api/break-glass/{id}/review", REVIEWS, "Says whether it was right")
    .takes::<GlassReviewBody>()
    .no_content();

pub(crate) fn routes(app: &App) -> Route {
    let with = |endpoint| app.filter().and(app.caller(endpoint));
    let open = warp::path::end().and(warp::post()).and(visit(app, &OPEN)).and(json()).then(handlers::open);
    let list = warp::path::end().and(warp::get()).and(warp::query()).and(with(&LIST)).then(handlers::list);
    let review = warp::path!(Uuid / "review").and(warp::post()).and(with(&REVIEW)).and(json());
    let review = review.then(handlers::review);
    mount("break-glass", routes![OPEN => open, LIST => list, REVIEW => review])
}
