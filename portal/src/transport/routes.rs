use warp::Filter;

use super::{Transport, TransportView};
use crate::web::{Access, ApiError, Endpoint, Json, Route, mount, routes};

const SHOW: Endpoint =
    Endpoint::get("/api/transport", Access::Open, "How this connection is secured").answers::<TransportView>();

pub(crate) fn routes(transport: &Transport) -> Route {
    let view = TransportView::of(transport);
    let show = warp::path::end().and(warp::get()).map(move || Ok::<_, ApiError>(Json(view)));
    mount("transport", routes![SHOW => show])
}
