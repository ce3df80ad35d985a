//! Alarms as people see them. The engine decides; this only tells.

mod handlers;
mod model;
mod routes;
mod rows;
mod store;

pub(crate) use model::*;
pub(crate) use routes::routes;
pub(crate) use rows::step_from_row;
