//! One's own factors: each changed only by who has just proven himself again.

mod handlers;
pub(super) mod model;
mod recovery;
mod routes;

pub(crate) use model::{Codes, SeedShown};
pub(super) use recovery::make as make_recovery_codes;
pub(crate) use routes::routes;
