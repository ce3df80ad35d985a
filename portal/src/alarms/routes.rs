use warp::Filter;

use super::handlers;
use super::model::{Alarms, AlarmsQuery};
use crate::app::App;
use crate::web::{Endpoint, Route, mount, routes};

pub(crate) const ENDPOINTS: &[Endpoint] =
    &[Endpoint::get("/api/alarms", "Alarms, newest first").query::<AlarmsQuery>().answers::<Alarms>()];

pub(crate) fn routes(app: &App) -> Route {
    let list = warp::path::end().and(warp::get()).and(warp::query()).and(app.filter()).then(handlers::list);
    mount("alarms", routes![list])
}
