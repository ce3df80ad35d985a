use warp::Filter;

use super::handlers;
use super::model::{Devices, Parameters};
use crate::app::App;
use crate::web::{Endpoint, Route, mount, routes};

pub(crate) const ENDPOINTS: &[Endpoint] = &[
    Endpoint::get("/api/devices", "Everything enrolled and not revoked").answers::<Devices>(),
    Endpoint::get("/api/parameters", "What can be measured").answers::<Parameters>(),
];

pub(crate) fn devices(app: &App) -> Route {
    let list = warp::path::end().and(warp::get()).and(app.filter()).then(handlers::list);
    mount("devices", routes![list])
}

pub(crate) fn parameters() -> Route {
    let list = warp::path::end().and(warp::get()).map(handlers::parameters);
    mount("parameters", routes![list])
}
