//! The front through its sockets, on a real database and with the real pipeline behind it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, too, fail by panicking")]

mod admission;
mod client;
mod delivery;
mod ground;
mod holding;
mod telemetry;
mod tls;
