//! `/openapi.json`, from the tables of endpoints.

use std::sync::Arc;

use utoipa::openapi::path::{PathItem, PathsBuilder};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder};
use warp::Filter;

use crate::web::{Access, ApiError, Endpoint, Route, mount, routes};

const SHOW: Endpoint = Endpoint::get("/openapi.json", Access::Open, "This description");

/// Describes `others` and itself.
pub(crate) fn routes(others: &[&'static Endpoint]) -> Route {
    let document = Arc::new(document(others.iter().copied().chain([&SHOW])));
    let show = warp::path::end().and(warp::get()).map(move || Ok::<_, ApiError>(warp::reply::json(&*document)));
    mount("openapi.json", routes![SHOW => show])
}

fn document(endpoints: impl Iterator<Item = &'static Endpoint>) -> OpenApi {
    let mut schemas = Vec::new();
    let mut paths = PathsBuilder::new();
    for endpoint in endpoints {
        let operation = endpoint.operation(&mut schemas);
        paths = paths.path(endpoint.path, PathItem::new(endpoint.method.described(), operation));
    }
    let info = InfoBuilder::new().title("Vigil").version(env!("CARGO_PKG_VERSION")).build();
    let components = ComponentsBuilder::new().schemas_from_iter(schemas).build();
    OpenApiBuilder::new().info(info).paths(paths).components(Some(components)).build()
}
