//! Readings in, alarms out.
//!
//! `engine` decides and knows no clock; `profiles` are the limits as data.

pub mod engine;
pub mod profiles;
