//! Charts: buckets of one device over a span of time.

mod handlers;
mod model;
mod routes;
mod store;

#[cfg(test)]
pub(crate) use model::{Series, Vitals};
pub(crate) use routes::routes;
