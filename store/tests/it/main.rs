//! Against a real TimescaleDB: `VIGIL_TEST_DATABASE_URL` names the cluster.

mod migrations;
mod rosters;
mod statements;
