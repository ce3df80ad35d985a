//! How Vigil talks to TimescaleDB: connections, migrations, telemetry in and out, and databases for tests.
//!
//! Queries are functions over `&impl Db`, so that they serve a pooled client and a transaction alike. Every statement
//! begins with `-- module::function`, by which the server's log and `pg_stat_activity` name it.
//! **Absent on purpose**: rules of the domain; nobody else names tokio-postgres.

mod access;
pub mod administer;
pub mod alarms;
pub mod clocks;
mod columns;
mod connect;
mod counts;
mod error;
pub mod frames;
pub mod lease;
mod listen;
pub mod migrate;
pub mod minutes;
pub mod powers;
pub mod prepared;
pub mod realms;
pub mod recall;
mod role;
pub mod roster;
pub mod series;
pub mod spans;
pub mod statuses;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
pub mod time;
mod transaction;

pub use access::Access;
pub use connect::{Client, Pool, connect};
pub use counts::{Counts, counts};
pub use deadpool_postgres::GenericClient as Db;
pub use error::Error;
pub use listen::Listener;
pub use role::Role;
pub use tokio_postgres::{Row, types};
pub use transaction::Transaction;
