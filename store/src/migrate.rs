//! Applies `migrations/`, and tells whether a schema fits this program.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::lease::{self, Turn};
use crate::{Error, connect};

mod embedded {
    #![allow(unreachable_pub, reason = "the macro writes what it writes")]
    refinery::embed_migrations!("../migrations");
}

/// Migrators wait for each other, and for a node that migrates as it starts, this long.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(250);

const HISTORY: &str = "-- migrate::version
    SELECT to_regclass('refinery_schema_history') IS NOT NULL";

const NEWEST: &str = "-- migrate::version
    SELECT max(version) FROM refinery_schema_history";

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[HISTORY, NEWEST];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Current,
    Behind { pending: Vec<String> },
    Newer { found: i32 },
    Empty,
}

/// Brings the schema up to date and answers with the names of what was applied. Refuses a schema newer than it knows, and
/// to change one that a running node uses.
pub async fn run(url: &str) -> Result<Vec<String>, Error> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if check(url).await? == State::Current {
            return Ok(Vec::new());
        }
        match lease::take(url).await? {
            Turn::Ours(locked) => return Ok(locked.lead().await?.into_applied()),
            Turn::Theirs(_) if Instant::now() >= deadline => return Err(Error::NodeActive),
            Turn::Theirs(_) => sleep(LOOK).await,
        }
    }
}

/// By the holder of the lease, on its session.
pub(crate) async fn apply(client: &mut Client) -> Result<Vec<String>, Error> {
    let report = embedded::migrations::runner().run_async(client).await?;
    Ok(report.applied_migrations().iter().map(ToString::to_string).collect())
}

pub(crate) async fn refuse_newer(client: &Client) -> Result<(), Error> {
    match version(client).await?.filter(|found| *found > known()) {
        Some(found) => Err(Error::NewerSchema { found, known: known() }),
        None => Ok(()),
    }
}

pub async fn check(url: &str) -> Result<State, Error> {
    let client = connect(url, "vigil check").await?;
    let Some(found) = version(&client).await? else { return Ok(State::Empty) };
    if found > known() {
        return Ok(State::Newer { found });
    }
    let runner = embedded::migrations::runner();
    let mut pending: Vec<_> = runner.get_migrations().iter().filter(|migration| migration.version() > found).collect();
    // They come by the names of their files, where V10 precedes V2.
    pending.sort_unstable_by_key(|migration| migration.version());
    let pending: Vec<_> = pending.into_iter().map(ToString::to_string).collect();
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
async fn version(client: &Client) -> Result<Option<i32>, Error> {
    if !client.query_one(HISTORY, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(None);
    }
    Ok(client.query_one(NEWEST, &[]).await?.try_get(0)?)
}

fn known() -> i32 {
    embedded::migrations::runner().get_migrations().iter().map(refinery::Migration::version).max().unwrap_or_default()
}
