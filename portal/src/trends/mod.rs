//! Charts: buckets of one device over a span of time.

mod handlers;
mod model;
mod routes;
mod store;

#[cfg(test)]
pub(crate) use model::Series;
#[cfg(any(test, feature = "bare"))]
pub(crate) use model::Vitals;
pub(crate) use routes::routes;
#[cfg(feature = "bare")]
pub(crate) use {handlers::view, model::VitalsQuery, routes::SHOW};
