use std::path::PathBuf;

use deadpool_postgres::{HookError, PoolError, TimeoutType};
use tokio_postgres::error::{DbError, SqlState};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The detail of the server's message is left out, and no source leads to it: it repeats the values of the row.
    #[error("database: {}", told(.0))]
    Database(tokio_postgres::Error),
    #[error("connect to the database: no answer within {0} s")]
    ConnectTimeout(u64),
    #[error("ask the database: no answer within {0} s")]
    Unanswered(u64),
    #[error("take a connection from the pool: {0}")]
    Pool(String),
    #[error("migrate: {0}")]
    Migrate(#[from] refinery::Error),
    #[error("the schema has version {found}, this program knows none after {known}")]
    NewerSchema { found: i32, known: i32 },
    #[error("a node is active, and no migration may change the schema under it: stop it first")]
    NodeActive,
    #[error("the schema has version {found}, this program needs {known}: run `vigil migrate`")]
    OlderSchema { found: i32, known: i32 },
    #[error("the database's address {0}")]
    Place(&'static str),
    #[error("read the password in {path}: {why}")]
    Password { path: PathBuf, why: String },
    #[error("only its owner may change the schema: set VIGIL_DATABASE_OWNER_URL")]
    NoOwner,
    #[error("migrations run as vigil_owner, not as {0}: what they make would be that one's")]
    WrongOwner(String),
    #[error("the database did not end the owner's session")]
    OwnerStays,
    #[error("another node has taken over from epoch {0}")]
    Fenced(crate::lease::Epoch),
    #[error("another session has the lease")]
    LeaseTaken,
    #[error("read column {0}: not a value this program knows")]
    Column(&'static str),
    #[error("no gateway {0} is enrolled in this realm")]
    UnknownGateway(vitals::DeviceName),
}

impl Error {
    /// The name of the constraint that was violated.
    pub fn constraint(&self) -> Option<&str> {
        self.database()?.constraint()
    }

    pub fn sqlstate(&self) -> Option<&str> {
        self.database().map(|error| error.code().code())
    }

    /// The row itself is at fault (SQLSTATE class 22 or 23); nothing else may ever put one into quarantine.
    pub fn blames_row(&self) -> bool {
        self.sqlstate().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
    }

    /// The same transaction is worth another try at once: serialization failure or deadlock.
    pub fn retry(&self) -> bool {
        self.database().is_some_and(|error| {
            [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(error.code())
        })
    }

    /// The database could not be reached, or went. Waiting for a turn is not that: whoever asks much makes others wait.
    pub fn away(&self) -> bool {
        match self {
            Self::ConnectTimeout(_) => true,
            Self::Database(error) => error.as_db_error().is_none_or(|error| {
                let code = error.code().code();
                code.starts_with("08") || ["57P01", "57P02", "57P03"].contains(&code)
            }),
            _ => false,
        }
    }

    /// The statement was given up because it took too long.
    pub fn ran_out_of_time(&self) -> bool {
        self.database().is_some_and(|error| *error.code() == SqlState::QUERY_CANCELED)
    }

    fn database(&self) -> Option<&DbError> {
        match self {
            Self::Database(error) => error.as_db_error(),
            _ => None,
        }
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Database(error)
    }
}

impl From<PoolError> for Error {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) | PoolError::PostCreateHook(HookError::Backend(error)) => Self::Database(error),
            PoolError::Timeout(TimeoutType::Create | TimeoutType::Recycle) => {
                Self::ConnectTimeout(crate::connect::PATIENCE.as_secs())
            }
            other => Self::Pool(other.to_string()),
        }
    }
}

fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(told) => format!("{} ({})", told.message(), told.code().code()),
        None => match std::error::Error::source(error) {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}
