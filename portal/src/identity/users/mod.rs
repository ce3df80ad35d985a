//! Who may sign in at all.

pub(super) mod handlers;
pub(super) mod model;
mod routes;
pub(super) mod store;

pub(super) use model::{User, login, name};
pub(crate) use routes::routes;
