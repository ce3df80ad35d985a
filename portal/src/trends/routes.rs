use warp::Filter;

use super::handlers;
use super::model::{Vitals, VitalsQuery};
use crate::app::App;
use crate::web::{Endpoint, Route, mount, routes};

pub(crate) const ENDPOINTS: &[Endpoint] =
    &[Endpoint::get("/api/vitals", "At most 2,000 buckets of one device").query::<VitalsQuery>().answers::<Vitals>()];

pub(crate) fn routes(app: &App) -> Route {
    let show = warp::path::end().and(warp::get()).and(warp::query()).and(app.filter()).then(handlers::show);
    mount("vitals", routes![show])
}
