//! What people see: live screens, charts and alarms over HTTP and WebSocket, and the browser UI they belong to.
//!
//! **Absent on purpose**: ingest and alerting; what they have to say arrives through the [`Hub`]. Files of certificates: whoever
//! runs the portal brings what speaks TLS.

mod alarms;
mod app;
pub mod audit;
#[cfg(feature = "bare")]
pub mod bare;
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
mod scrape;
mod transport;
mod trends;
#[cfg(test)]
mod typescript;
mod web;

pub use app::{Deps, Ready};
pub use caller::Unseen;
pub use config::Config;
pub use identity::command;
pub use live::Hub;
pub use patients::retoken;
pub use run::{Error, run, stand_by};
pub use scrape::{BearerToken, MAX_SCRAPERS, Render, Scrape, serve_metrics};
pub use transport::{Certificate, Hosts, Tls, Transport};
pub use web::MAX_CONNECTIONS;
