use std::io;
use std::path::{Path, PathBuf};

/// Why there is no private database. Each is one sentence a person can act on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "this host has no PostgreSQL 15 or newer with TimescaleDB, and one can be assembled only on x86_64 Linux: \
         set VIGIL_DATABASE_URL"
    )]
    Platform,
    #[error(
        "this host has no PostgreSQL 15 or newer with TimescaleDB, and {tool} is missing to assemble one: install it \
         or set VIGIL_DATABASE_URL"
    )]
    NoTool { tool: &'static str },
    #[error(
        "no Debian mirror in this host's apt sources offers {suite} to assemble PostgreSQL with TimescaleDB from \
         ({detail}): add one or set VIGIL_DATABASE_URL"
    )]
    NoMirror { suite: &'static str, detail: String },
    #[error("fetching Debian packages failed ({detail}): check the network or set VIGIL_DATABASE_URL")]
    Network { detail: String },
    #[error("no space left on the device while {doing}: free some or set VIGIL_DATABASE_URL")]
    DiskFull { doing: String },
    #[error(
        "PostgreSQL refuses to run as root and the system user {user} could not be made ({detail}): create it, or \
         set VIGIL_DATABASE_URL"
    )]
    NoUser { user: &'static str, detail: String },
    #[error("{path} is closed to the user {user} that PostgreSQL runs as: choose another folder")]
    Unreachable { path: PathBuf, user: String },
    #[error("{path} exists and is not a private folder of the user that PostgreSQL runs as: remove it")]
    Untrusted { path: PathBuf },
    #[error(
        "the cluster in {path} was made by PostgreSQL {major}, which is not on this host with TimescaleDB: install it \
         or set VIGIL_STATE_DIR elsewhere"
    )]
    Major { path: PathBuf, major: String },
    #[error("the password file {path} of an existing cluster is missing or empty: restore it, or remove the cluster")]
    NoSecret { path: PathBuf },
    #[error("neither HOME nor XDG_CACHE_HOME names a folder to assemble PostgreSQL in: set one, or VIGIL_DATABASE_URL")]
    NoCache,
    #[error("no cluster in {path}: start one first")]
    Absent { path: PathBuf },
    #[error("{doing} failed: {detail}")]
    Program { doing: String, detail: String },
    #[error("PostgreSQL (process {pid}) did not {verb} within {seconds} s, see {log}")]
    Slow { pid: u32, verb: &'static str, seconds: u64, log: PathBuf },
    #[error("{doing} {path} failed")]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    pub(crate) fn program(doing: &str, detail: String) -> Self {
        if detail.contains("No space left on device") {
            return Self::DiskFull { doing: doing.to_owned() };
        }
        Self::Program { doing: doing.to_owned(), detail }
    }
}

/// Names the operation and the path of an I/O error.
pub(crate) trait At<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, Error>;
}

impl<T> At<T> for io::Result<T> {
    fn at(self, doing: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Error::DiskFull { doing: format!("{doing} {}", path.display()) }
            }
            _ => Error::Io { doing, path: path.to_owned(), source },
        })
    }
}
