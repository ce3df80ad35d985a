//! Who somebody is, through the front door: real HTTP, a real database, codes computed from the seeds that were enrolled.

mod break_glass;
mod browser;
mod expiry;
mod first_administrator;
mod grants;
mod own_factors;
mod own_sessions;
mod pin;
mod sign_in;
mod staff;
mod stations;
mod throttling;
