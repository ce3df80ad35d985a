//! The first sign-in, by a link that is good once: of the first administrator, and of whoever was invited.

mod handlers;
pub(super) mod model;
mod routes;
pub(super) mod store;

pub(crate) use routes::routes;
