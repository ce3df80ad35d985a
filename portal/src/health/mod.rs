//! Whether this process lives, whether it should get traffic, and what it counts.

use serde::Serialize;
use utoipa::ToSchema;
use warp::Filter;
use warp::http::header;
use warp::reply::{Reply, with_header};

use crate::app::{App, Render};
use crate::web::{Access, ApiError, Endpoint, Json, Route, mount, pick, respond, routes};

const HEALTHZ: Endpoint = Endpoint::get("/healthz", Access::Open, "The process answers").answers::<Health>();
const READYZ: Endpoint =
    Endpoint::get("/readyz", Access::Open, "The node can take traffic; 503 says why not").answers::<Health>();
// Counts only, under labels from closed sets; and loopback only, as all of the portal.
const METRICS: Endpoint = Endpoint::get("/metrics", Access::Open, "Prometheus text format").text();

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

pub(crate) fn metrics(render: Render) -> Route {
    let page = warp::path::end().and(warp::get()).map(move || {
        Ok::<_, ApiError>(with_header(render(), header::CONTENT_TYPE, "text/plain; version=0.0.4").into_response())
    });
    mount("metrics", routes![METRICS => page])
}
