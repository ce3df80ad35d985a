use warp::Filter;

use super::handlers;
use super::model::{Alarms, AlarmsQuery};
use crate::app::App;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, mount, routes};

const LIST: Endpoint = Endpoint::get("/api/alarms", Access::Needs(Permission::ReadVitals), "Alarms, newest first")
    .query::<AlarmsQuery>()
    .answers::<Alarms>();

pub(crate) fn routes(app: &App) -> Route {
    let list = warp::path::end()
        .and(warp::get())
        .and(warp::query())
        .and(app.filter())
        .and(app.caller(&LIST))
        .then(handlers::list);
    mount("alarms", routes![LIST => list])
}
