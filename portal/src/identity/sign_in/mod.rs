//! From nobody to somebody, and back: every route by which a session comes about or is worth more.

mod handlers;
pub(super) mod model;
mod pin;
mod prove;
mod routes;
mod step;

pub(crate) use model::{CodeBody, SessionView};
pub(super) use prove::{NUMBERS, remember};
pub(crate) use routes::routes;
pub(super) use step::give;
