//! Screens that belong to a place: enrolled by a code, known by a cookie of their own, ended from elsewhere.

mod handlers;
pub(super) mod model;
mod routes;
mod store;

pub(crate) use model::StationView;
pub(crate) use routes::{routes, this};
pub(crate) use store::{by_token, of, standing};
