use vitals::PatientId;
use warp::Filter;

use super::handlers;
use super::model::{AuditEvents, DisclosuresQuery, EventsQuery};
use crate::app::App;
use crate::permission::Permission;
use crate::web::{Access, Endpoint, Route, mount, routes};

const LIST: Endpoint =
    Endpoint::get("/api/audit", Access::Needs(Permission::SearchAudit), "Who saw and did what, newest first")
        .query::<EventsQuery>()
        .answers::<AuditEvents>();
const CSV: Endpoint =
    Endpoint::get("/api/audit/export.csv", Access::Needs(Permission::ExportAudit), "The same for a spreadsheet")
        .query::<EventsQuery>()
        .text();
const JSON: Endpoint =
    Endpoint::get("/api/audit/export.json", Access::Needs(Permission::ExportAudit), "The same in large pages")
        .query::<EventsQuery>()
        .answers::<AuditEvents>();
const DISCLOSURES: Endpoint = Endpoint::get(
    "/api/disclosures/{patient}",
    Access::Needs(Permission::SearchAudit),
    "Who was told what about one person, for six years back",
)
.query::<DisclosuresQuery>()
.answers::<AuditEvents>();

pub(crate) fn routes(app: &App) -> [Route; 2] {
    let list = warp::path::end().and(warp::get()).and(warp::query()).and(app.filter()).and(app.caller(&LIST));
    let csv = warp::path!("export.csv").and(warp::get()).and(warp::query()).and(app.filter()).and(app.caller(&CSV));
    let json = warp::path!("export.json").and(warp::get()).and(warp::query()).and(app.filter()).and(app.caller(&JSON));
    let disclosures = warp::path!(PatientId).and(warp::get()).and(warp::query());
    let disclosures = disclosures.and(app.filter()).and(app.caller(&DISCLOSURES));
    [
        mount(
            "audit",
            routes![
                LIST => list.then(handlers::list),
                CSV => csv.then(handlers::export_csv),
                JSON => json.then(handlers::export_json),
            ],
        ),
        mount("disclosures", routes![DISCLOSURES => disclosures.then(handlers::disclosures)]),
    ]
}
