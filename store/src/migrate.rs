//! Applies `migrations/`, and tells whether a schema fits this program.

use crate::{Error, connect};

mod embedded {
    #![allow(unreachable_pub, reason = "the macro writes what it writes")]
    refinery::embed_migrations!("../migrations");
}

/// Held by whoever migrates; "vigil" in ASCII.
const LOCK: i64 = 0x0076_6967_696c;

/// Migrators wait for each other this long.
const PATIENCE: &str = "SET lock_timeout = '120s'";

const TAKE_LOCK: &str = "-- migrate::run
    SELECT pg_advisory_lock($1)";

const HISTORY: &str = "-- migrate::version
    SELECT to_regclass('refinery_schema_history') IS NOT NULL";

const NEWEST: &str = "-- migrate::version
    SELECT max(version) FROM refinery_schema_history";

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[TAKE_LOCK, HISTORY, NEWEST];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Current,
    Behind { pending: Vec<String> },
    Newer { found: i32 },
    Empty,
}

/// Brings the schema up to date and answers with the names of what was applied. Refuses a schema newer than it knows.
pub async fn run(url: &str) -> Result<Vec<String>, Error> {
    let mut client = connect(url, "vigil migrate").await?;
    client.batch_execute(PATIENCE).await?;
    // On the same session as the migrations: if that dies, the lock goes with it.
    client.execute(TAKE_LOCK, &[&LOCK]).await?;
    if let Some(found) = version(&client).await?.filter(|found| *found > known()) {
        return Err(Error::NewerSchema { found, known: known() });
    }
    let report = embedded::migrations::runner().run_async(&mut client).await?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

pub async fn check(url: &str) -> Result<State, Error> {
    let client = connect(url, "vigil check").await?;
    let Some(found) = version(&client).await? else { return Ok(State::Empty) };
    if found > known() {
        return Ok(State::Newer { found });
    }
    let pending: Vec<_> = embedded::migrations::runner()
        .get_migrations()
        .iter()
        .filter(|migration| migration.version() > found)
        .map(ToString::to_string)
        .collect();
    Ok(if pending.is_empty() { State::Current } else { State::Behind { pending } })
}

/// Changes with every change of a migration: names the template of test databases.
#[cfg(feature = "testing")]
pub(crate) fn digest() -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for migration in embedded::migrations::runner().get_migrations() {
        migration.checksum().hash(&mut hasher);
    }
    hasher.finish()
}

/// The newest version applied; none on an empty database.
async fn version(client: &tokio_postgres::Client) -> Result<Option<i32>, Error> {
    if !client.query_one(HISTORY, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    Ok(client.query_one(NEWEST, &[]).await?.try_get(0)?)
}

fn known() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max().unwrap_or_default()
}
