//! What is enrolled, whether it speaks, and what it can measure.

mod handlers;
mod model;
mod routes;
mod store;

pub(crate) use model::*;
pub(crate) use routes::{devices, parameters};
