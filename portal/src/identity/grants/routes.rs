use vitals::RoleGrantId;
use warp::Filter;

use super::handlers;
use super::model::{Grant, GrantList, GrantsQuery, NewGrant};
use crate::app::App;
use crate::caller::once;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, asked, mount, routes};

const MANAGE: Access = Access::Needs(Permission::ManageGrants);

const LIST: Endpoint =
    Endpoint::get("/api/grants", MANAGE, "Who has which role").query::<GrantsQuery>().answers::<GrantList>();
const PROPOSE: Endpoint = Endpoint::post("/api/grants", MANAGE, "Grants a role, or proposes it")
    .takes::<NewGrant>()
    .answers::<Grant>()
    .created()
    .once()
    .grave();
const APPROVE: Endpoint = Endpoint::post("/api/grants/{id}/approve", MANAGE, "Approves what another proposed")
    .answers::<Grant>()
    .of_version()
    .grave();
const END: Endpoint =
    Endpoint::delete("/api/grants/{id}", MANAGE, "Ends a grant at once").no_content().of_version().grave();

pub(crate) fn routes(app: &App) -> Route {
    let with = |endpoint| app.filter().and(app.caller(endpoint));
    let list = warp::path::end().and(warp::get()).and(warp::query()).and(with(&LIST)).then(handlers::list);
    let propose = warp::path::end().and(warp::post()).and(with(&PROPOSE)).and(asked()).then(once(handlers::propose));
    let approve = warp::path!(RoleGrantId / "approve").and(warp::post()).and(with(&APPROVE));
    let approve = approve.then(handlers::approve);
    let end = warp::path!(RoleGrantId).and(warp::delete()).and(with(&END)).then(handlers::end);
    mount("grants", routes![LIST => list, PROPOSE => propose, APPROVE => approve, END => end])
}
