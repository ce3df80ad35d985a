//! The front through its sockets, on a real database and with the real pipeline behind it.

#![expect(clippy::unwrap_used, reason = "helpers of tests, too, fail by panicking")]

mod admission;
mod client;
mod conformance_connect;
mod conformance_delivery;
mod conformance_packets;
mod conformance_publish;
mod conformance_subscribe;
mod conformance_table;
mod delivery;
mod ground;
mod holding;
mod hostile_bytes;
mod hostile_connections;
mod hostile_floods;
mod hostile_tls;
mod hostile_topics;
mod neighbour;
mod quarantine;
mod standby;
mod telemetry;
mod tls;
