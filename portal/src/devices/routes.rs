use warp::Filter;

use super::handlers;
use super::model::{Devices, Parameters};
use crate::app::App;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, mount, routes};

const LIST: Endpoint =
    Endpoint::get("/api/devices", Access::Needs(Permission::ReadDevices), "Everything enrolled and not revoked")
        .answers::<Devices>();
const PARAMETERS: Endpoint =
    Endpoint::get("/api/parameters", Access::Open, "What can be measured").answers::<Parameters>();

pub(crate) fn devices(app: &App) -> Route {
    let list = warp::path::end().and(warp::get()).and(app.filter()).and(app.caller(&LIST)).then(handlers::list);
    mount("devices", routes![LIST => list])
}

pub(crate) fn parameters() -> Route {
    let list = warp::path::end().and(warp::get()).map(handlers::parameters);
    mount("parameters", routes![PARAMETERS => list])
}
