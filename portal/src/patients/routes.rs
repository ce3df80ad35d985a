use vitals::PatientId;
use warp::Filter;

use super::handlers;
use super::model::Patient;
use crate::app::App;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, mount, routes};

pub(crate) const SHOW: Endpoint =
    Endpoint::get("/api/patients/{id}", Access::Needs(Permission::ReadChart), "Who one patient is")
        .answers::<Patient>();

pub(crate) fn routes(app: &App) -> Route {
    let show = warp::path!(PatientId).and(warp::get()).and(app.filter()).and(app.caller(&SHOW)).then(handlers::show);
    mount("patients", routes![SHOW => show])
}
