//! Charts: buckets of one device over a span of time.

mod handlers;
mod model;
mod routes;

#[cfg(test)]
pub(crate) use model::{Series, Vitals};
pub(crate) use routes::routes;
