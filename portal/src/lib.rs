//! What people see: live screens, charts and alarms over HTTP and WebSocket, and the browser UI they belong to.
//!
//! **Absent on purpose**: ingest and alerting; what they have to say arrives through the [`Hub`]. TLS is not spoken yet: the
//! portal serves loopback only.

mod alarms;
mod app;
pub mod audit;
mod caller;
mod config;
pub mod demo;
mod devices;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod health;
mod identity;
mod live;
mod openapi;
mod patients;
mod permission;
mod run;
mod trends;
#[cfg(test)]
mod typescript;
mod web;

pub use app::{Deps, Ready, Render};
pub use caller::Unseen;
pub use config::Config;
pub use identity::command;
pub use live::Hub;
pub use patients::retoken;
pub use run::{Error, run, stand_by};
pub use web::MAX_CONNECTIONS;
