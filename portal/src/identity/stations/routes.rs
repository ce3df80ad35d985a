use vitals::StationId;
use warp::Filter;

use super::handlers;
use super::model::{CodeGiven, EnrolBody, NewStation, PrivacyBody, StationList, StationView};
use crate::app::App;
use crate::caller::once;
use crate::identity::visit::visit;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, asked, json, mount, routes};

const MANAGE: Access = Access::Needs(Permission::ManageStations);

const LIST: Endpoint = Endpoint::get("/api/stations", MANAGE, "Screens of places").answers::<StationList>();
const CREATE: Endpoint = Endpoint::post("/api/stations", MANAGE, "A station, with the code that enrols a screen as it")
    .takes::<NewStation>()
    .answers::<CodeGiven>()
    .created()
    .once()
    .grave();
const NEW_CODE: Endpoint =
    Endpoint::post("/api/stations/{id}/code", MANAGE, "Another code for it").answers::<CodeGiven>().created().grave();
const SET_PRIVACY: Endpoint = Endpoint::put("/api/stations/{id}", MANAGE, "What it shows of a name")
    .takes::<PrivacyBody>()
    .answers::<StationView>()
    .of_version()
    .grave();
const REVOKE: Endpoint =
    Endpoint::delete("/api/stations/{id}", MANAGE, "Ends a station for good").no_content().of_version().grave();
const ENROL: Endpoint = Endpoint::post("/api/station", Access::Open, "Makes this screen a station")
    .takes::<EnrolBody>()
    .answers::<StationView>();
const RENEW: Endpoint =
    Endpoint::post("/api/station/renew", Access::Open, "Another token for this station").answers::<StationView>();

pub(crate) fn routes(app: &App) -> Route {
    let with = |endpoint| app.filter().and(app.caller(endpoint));
    let list = warp::path::end().and(warp::get()).and(app.caller(&LIST)).then(handlers::list);
    let create = warp::path::end().and(warp::post()).and(with(&CREATE)).and(asked()).then(once(handlers::create));
    let code = warp::path!(StationId / "code").and(warp::post()).and(with(&NEW_CODE)).then(handlers::new_code);
    let privacy = warp::path!(StationId).and(warp::put()).and(app.caller(&SET_PRIVACY)).and(json());
    let privacy = privacy.then(handlers::set_privacy);
    let revoke = warp::path!(StationId).and(warp::delete()).and(with(&REVOKE)).then(handlers::revoke);
    mount(
        "stations",
        routes![LIST => list, CREATE => create, NEW_CODE => code, SET_PRIVACY => privacy, REVOKE => revoke],
    )
}

/// The screen that asks.
pub(crate) fn this(app: &App) -> Route {
    let enrol = warp::path::end().and(warp::post()).and(visit(app, &ENROL)).and(json()).then(handlers::enrol);
    let renew = warp::path!("renew").and(warp::post()).and(visit(app, &RENEW)).then(handlers::renew);
    mount("station", routes![ENROL => enrol, RENEW => renew])
}
