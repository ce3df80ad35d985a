//! The promises, through the public door: the binary, real MQTT sockets, a real database.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand")]
#![allow(
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "a test binary has no public face and is told by the environment what to run"
)]

mod audit;
mod client;
mod clients;
mod clocks;
mod commands;
mod configuration;
mod demo;
mod durability;
mod keys;
mod leaks;
mod logs;
mod metrics;
mod minutes;
mod mqtt;
mod nodes;
mod outage;
mod people;
mod pipeline;
mod powers;
mod principals;
mod private;
mod roaming;
mod rosters;
mod screen;
mod searcher;
mod selfcare;
mod shred;
mod silence;
mod staff;
mod suites;
mod tls;
mod transport;
mod vault;
#[cfg(feature = "azure")]
#[expect(dead_code, reason = "the tests of `keys` ask it for more")]
#[path = "../../../keys/tests/it/vault_server.rs"]
mod vault_server;
mod vigil;
