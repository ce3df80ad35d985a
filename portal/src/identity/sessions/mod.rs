//! Somebody signed in: how long that lasts, what it is worth, and how it is ended from elsewhere.

mod handlers;
pub(super) mod model;
mod routes;
mod session;
pub(super) mod store;

pub(crate) use routes::routes;
pub(crate) use session::{Factor, IDLE_MS, LOCKS_MS, LONGEST_MS, Session, State};
