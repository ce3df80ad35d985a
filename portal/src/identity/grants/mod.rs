//! Which role somebody has: proposed by one administrator, and where it opens charts, approved by another.

pub(super) mod handlers;
pub(super) mod model;
mod routes;
mod store;

pub(crate) use routes::routes;
