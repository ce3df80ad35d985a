//! A private PostgreSQL with TimescaleDB for a machine on which nobody has configured one.
//!
//! [`start`] finds a PostgreSQL on the host that has TimescaleDB, or assembles one from Debian's packages, makes a
//! cluster under the state folder once, and starts it. The server outlives the caller until [`stop`]. Everything is
//! synchronous: call it before a runtime exists, or from a blocking task.
//!
//! Access is by a unix socket in a 0700 folder only. As root, PostgreSQL runs as the system user `vigil-db`; otherwise
//! it runs as the caller.

mod account;
mod assemble;
mod cluster;
mod error;
mod folders;
mod packages;
mod postmaster;
mod programs;
mod run;
mod secret;
mod settings;
mod setup;

use std::path::PathBuf;

pub use cluster::{Cluster, remove, start, status, stop, url};
pub use error::Error;
pub use packages::mirrors;

/// Where a cluster lives and what it is for.
#[derive(Debug, Clone)]
pub struct Options {
    /// Holds the cluster, its secrets and its lock. Where it lies in a folder closed to `vigil-db` (root's home),
    /// the cluster itself goes to `/var/lib/vigil-db` and the state folder remembers the place.
    pub state_dir: PathBuf,
    /// Holds an assembled PostgreSQL, about 180 MB, shared by all clusters. By default `/var/cache/vigil` for root,
    /// `$XDG_CACHE_HOME/vigil` or `~/.cache/vigil` for others.
    pub cache_dir: Option<PathBuf>,
    pub purpose: Purpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Keeps what it acknowledged: scram passwords, every durability setting on, and a role for each part (`migrations/roles.sql`).
    Serve,
    /// Throw-away: trust and nothing fsynced; tests clone databases as its superuser.
    Test,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    Running {
        pid: u32,
    },
    Stopped,
    /// No cluster was ever made here.
    Absent,
}
