//! `/openapi.json`, from the tables of endpoints.

use std::sync::OnceLock;

use utoipa::openapi::path::{HttpMethod, PathItem, PathsBuilder};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use warp::Filter;

use crate::run::endpoints;
use crate::web::{ApiError, Endpoint, Json, Route, mount, routes};

pub(crate) const ENDPOINTS: &[Endpoint] = &[Endpoint::get("/openapi.json", "This description")];

pub(crate) fn routes() -> Route {
    let show = warp::path::end().and(warp::get()).map(|| Ok::<_, ApiError>(Json(document())));
    mount("openapi.json", routes![show])
}

fn document() -> &'static OpenApi {
    static DOCUMENT: OnceLock<OpenApi> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut schemas = Vec::new();
        let mut paths = PathsBuilder::new();
        for endpoint in endpoints() {
            paths = paths.path(endpoint.path, PathItem::new(HttpMethod::Get, endpoint.operation(&mut schemas)));
        }
        let info = InfoBuilder::new().title("Vigil").version(env!("CARGO_PKG_VERSION")).build();
        let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
        OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
    })
}
