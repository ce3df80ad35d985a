use warp::Filter;

use super::handlers;
use super::model::{Vitals, VitalsQuery};
use crate::app::App;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, mount, routes};

pub(crate) const SHOW: Endpoint =
    Endpoint::get("/api/vitals", Access::Needs(Permission::ReadVitals), "At most 2,000 buckets of one device")
        .query::<VitalsQuery>()
        .answers::<Vitals>();

pub(crate) fn routes(app: &App) -> Route {
    let show = warp::path::end()
        .and(warp::get())
        .and(warp::query())
        .and(app.filter())
        .and(app.caller(&SHOW))
        .then(handlers::show);
    mount("vitals", routes![SHOW => show])
}
