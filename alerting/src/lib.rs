//! Readings in, alarms out.
//!
//! `engine` decides and knows no clock; `profiles` are the limits as data; `runtime` brings both to the database, the
//! clock and whoever listens. **Absent on purpose**: screens, MQTT, anything about a person.

pub mod engine;
mod error;
pub mod profiles;
mod runtime;

pub use error::Error;
pub use runtime::{Alerting, Part, Sink, start};
