//! A record is opened without a relation to its person: for a coded reason, for an hour, and somebody else looks at it.

mod handlers;
pub(super) mod model;
mod routes;
mod store;

pub(crate) use routes::routes;
