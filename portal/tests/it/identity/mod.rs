//! Who somebody is, through the front door: real HTTP, a real database, codes computed from the seeds that were enrolled.

mod break_glass;
pub(crate) mod browser;
mod expiry;
mod first_administrator;
mod grants;
mod once;
mod own_factors;
mod own_sessions;
mod pin;
mod sign_in;
pub(crate) mod staff;
pub(crate) mod stations;
mod throttling;
mod versions;
