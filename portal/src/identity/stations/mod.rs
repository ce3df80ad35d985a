//! Screens that belong to a place: enrolled by a code, known by a cookie of their own, ended from elsewhere.

mod by_name;
mod handlers;
pub(super) mod model;
mod routes;
mod store;

pub(crate) use by_name::code_by_name;
pub(crate) use model::StationView;
pub(crate) use routes::{routes, this};
pub(crate) use store::{by_token, of, standing};
