//! Against a real TimescaleDB: `VIGIL_TEST_DATABASE_URL` names the cluster.
#![expect(clippy::unwrap_used, reason = "the functions beside the tests are tests too")]

mod alarms;
mod charts;
mod chunks;
mod errors;
mod frames;
mod lease;
mod migrations;
mod policies;
mod roles;
mod rosters;
mod schema;
mod statements;
mod telemetry;
