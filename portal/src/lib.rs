//! What people see: live screens, charts and alarms over HTTP and WebSocket, and the browser UI they belong to.
//!
//! **Absent on purpose**: ingest and alerting; what they have to say arrives through the [`Hub`]. TLS and sign-in come
//! with users: until then the portal serves loopback only.

mod alarms;
mod app;
#[allow(dead_code, reason = "signing in uses the rest, and comes with the next commits")]
pub mod audit;
#[allow(dead_code, reason = "signing in uses the rest, and comes with the next commits")]
mod caller;
mod config;
mod devices;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod health;
mod identity;
mod live;
mod openapi;
#[allow(dead_code, reason = "signing in uses the rest, and comes with the next commits")]
mod permission;
mod run;
mod trends;
#[cfg(test)]
mod typescript;
#[allow(dead_code, reason = "signing in uses the rest, and comes with the next commits")]
mod web;

pub use app::{Deps, Ready, Render};
pub use caller::Unseen;
pub use config::Config;
pub use live::Hub;
pub use run::{Error, run, stand_by};
pub use web::MAX_CONNECTIONS;
