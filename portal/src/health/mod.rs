//! Whether this process lives, and whether it should get traffic.

use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;

use crate::app::App;
use crate::web::{Access, ApiError, Endpoint, Json, Route, mount, pick, respond, routes};

const HEALTHZ: Endpoint = Endpoint::get("/healthz", Access::Open, "The process answers").answers::<Health>();
const READYZ: Endpoint =
    Endpoint::get("/readyz", Access::Open, "The node can take traffic; 503 says why not").answers::<Health>();

#[derive(Debug, Serialize, ToSchema)]
struct Health {
    status: &'static str,
}

pub(crate) fn healthz() -> Route {
    let live = warp::path::end().and(warp::get()).map(|| Ok(Json(Health { status: "ok" })));
    mount("healthz", routes![HEALTHZ => live])
}

pub(crate) fn readyz(app: &App) -> Route {
    let ready = warp::path::end().and(warp::get()).and(app.filter()).map(|app: App| {
        (app.ready)().map_err(|detail| ApiError::Unavailable { code: "not_ready", detail })?;
        Ok(Json(Health { status: "ready" }))
    });
    mount("readyz", routes![READYZ => ready])
}

/// Whatever else is asked of a node that stands by.
pub(crate) fn standby() -> Route {
    let anything = warp::any().map(|| {
        let detail = "this node stands by; another one is active".to_owned();
        Err::<Json<Health>, _>(ApiError::Unavailable { code: "standby", detail })
    });
    pick([Route::unlisted(anything.map(respond).boxed())])
}
