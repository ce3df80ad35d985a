//! Applies `migrations/`, and tells whether a schema fits this program.

use std::time::Duration;

use refinery::{Migration, Runner};
use tokio::time::{Instant, sleep};
use tokio_postgres::Client;

use crate::connect::connect_to;
use crate::{Access, Error, Role, lease};

mod embedded {
    #![allow(unreachable_pub, reason = "the macro writes what it writes")]
    refinery::embed_migrations!("../migrations");

    pub mod keys {
        refinery::embed_migrations!("../migrations/keys");
    }
}

/// Of the main database. The macro also looks into folders below: what it finds there is another database's.
fn main() -> Runner {
    let theirs = keys();
    let all = embedded::migrations::runner();
    let ours: Vec<_> =
        all.get_migrations().iter().filter(|one| !theirs.get_migrations().contains(one)).cloned().collect();
    Runner::new(&ours)
}

/// Of the key store.
fn keys() -> Runner {
    embedded::keys::migrations::runner()
}

/// How often whoever waits for the lease looks.
const LOOK: Duration = Duration::from_millis(250);

/// The first version whose history the roles of parts may read.
const TOLD_TO_ROLES: i32 = 6;

/// How long the database may take to end the owner's session.
const FAREWELL: Duration = Duration::from_secs(5);

/// Whether there is a history, and whether we may read it.
const HISTORY: &str = "-- migrate::version
    SELECT history IS NOT NULL, coalesce(has_table_privilege(history, 'SELECT'), false)
    FROM (SELECT to_regclass('refinery_schema_history')::oid AS history) found";

const NEWEST: &str = "-- migrate::version
    SELECT max(version) FROM refinery_schema_history";

const WHO: &str = "-- migrate::owner
    SELECT current_user::text, pg_backend_pid()";

/// Every role sees who is connected, if not what he does.
const STILL_THERE: &str = "-- migrate::close
    SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND usename = $2)";

/// Until its session ends.
const ONE: &str = "-- migrate::run_keys
    SELECT pg_advisory_lock($1)";

/// Migrators of one key store wait for each other; "vigkeys" in ASCII.
const ONE_MIGRATOR: i64 = 0x0076_6967_6b65_7973;

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[HISTORY, NEWEST, WHO, STILL_THERE, ONE];

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Current,
    Behind { pending: Vec<String> },
    Empty,
}

/// Brings both databases up to date as the owner, whose sessions are gone afterwards; answers with the names of what was
/// applied to the main one. Refuses a schema newer than it knows. To change one, nobody may use it: waits `patience` for
/// the lease.
pub async fn run(access: &Access, patience: Duration) -> Result<Vec<String>, Error> {
    let applied = run_main(access, patience).await?;
    run_keys(&access.key_store()).await?;
    Ok(applied)
}

/// As an older program left the main database.
#[cfg(feature = "testing")]
pub(crate) async fn run_up_to(access: &Access, version: i32) -> Result<(), Error> {
    let mut owner = Session::open(access).await?;
    main().set_target(refinery::Target::Version(version)).run_async(&mut owner.client).await?;
    owner.close(access).await
}

pub(crate) async fn run_main(access: &Access, patience: Duration) -> Result<Vec<String>, Error> {
    let deadline = Instant::now() + patience;
    loop {
        let mut owner = Session::open(access).await?;
        if state(version(&owner.client).await?)? == State::Current {
            owner.close(access).await?;
            return Ok(Vec::new());
        }
        if lease::try_lock(&owner.client).await? {
            lease::fence_as_owner(&owner.client).await?;
            // On the session of the lock: if that dies, the lock goes with it.
            let report = main().run_async(&mut owner.client).await?;
            owner.close(access).await?;
            return Ok(names(report.applied_migrations()));
        }
        owner.close(access).await?;
        if Instant::now() >= deadline {
            return Err(Error::NodeActive);
        }
        sleep(LOOK).await;
    }
}

/// No node depends on the schema of the key store while it runs, so it needs no lease.
pub(crate) async fn run_keys(store: &Access) -> Result<Vec<String>, Error> {
    let mut owner = Session::open(store).await?;
    owner.client.execute(ONE, &[&ONE_MIGRATOR]).await?;
    let report = keys().run_async(&mut owner.client).await?;
    owner.close(store).await?;
    Ok(names(report.applied_migrations()))
}

/// Of the owner.
struct Session {
    client: Client,
    pid: i32,
}

impl Session {
    async fn open(access: &Access) -> Result<Self, Error> {
        let client = lease::session(&access.to(Role::Owner)?).await?;
        // Rows of persons are seen by nobody else who says nothing, the owner no exception: a migration would change none.
        client.batch_execute("SET vigil.part = 'command'").await?;
        let row = client.query_one(WHO, &[]).await?;
        let (user, pid): (String, i32) = (row.try_get(0)?, row.try_get(1)?);
        // What a superuser makes would be a superuser's, functions that run with their owner's rights among it.
        if user != Role::Owner.name() {
            return Err(Error::WrongOwner(user));
        }
        Ok(Self { client, pid })
    }

    /// Comes back once the database has ended it.
    async fn close(self, access: &Access) -> Result<(), Error> {
        drop(self.client);
        let watcher = connect_to(access.to(access.watcher())?, "vigil migrate").await?;
        let deadline = Instant::now() + FAREWELL;
        while watcher.query_one(STILL_THERE, &[&self.pid, &Role::Owner.name()]).await?.try_get(0)? {
            if Instant::now() >= deadline {
                return Err(Error::OwnerStays);
            }
            sleep(FAREWELL / 250).await;
        }
        Ok(())
    }
}

fn names(migrations: &[Migration]) -> Vec<String> {
    migrations.iter().map(ToString::to_string).collect()
}

/// Of a candidate for the lease: no node runs on a schema that is not its own.
pub(crate) async fn refuse_other(client: &Client) -> Result<(), Error> {
    let found = version(client).await?;
    match state(found)? {
        State::Current => Ok(()),
        State::Behind { .. } | State::Empty => {
            Err(Error::OlderSchema { found: found.unwrap_or_default(), known: known() })
        }
    }
}

/// As far as a part can see it: the owner is not needed.
pub async fn check(access: &Access) -> Result<State, Error> {
    let client = connect_to(access.to(Role::Ingest)?, "vigil check").await?;
    state(version(&client).await?)
}

fn state(found: Option<i32>) -> Result<State, Error> {
    let Some(found) = found else { return Ok(State::Empty) };
    if found > known() {
        return Err(Error::NewerSchema { found, known: known() });
    }
    let runner = main();
    let mut pending: Vec<_> = runner.get_migrations().iter().filter(|migration| migration.version() > found).collect();
    // They come by the names of their files, where V10 precedes V2.
    pending.sort_unstable_by_key(|migration| migration.version());
    let pending: Vec<_> = pending.into_iter().map(ToString::to_string).collect();
    Ok(if pending.is_empty() { State::Current } else { State::Behind { pending } })
}

/// Changes with every change of a migration: names the template of test databases.
#[cfg(feature = "testing")]
pub(crate) fn digest() -> u64 {
    digest_of(&main())
}

#[cfg(feature = "testing")]
pub(crate) fn digest_of_keys() -> u64 {
    digest_of(&keys())
}

#[cfg(feature = "testing")]
fn digest_of(runner: &Runner) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    for migration in runner.get_migrations() {
        migration.checksum().hash(&mut hasher);
    }
    hasher.finish()
}

/// The newest version applied; none on an empty database.
async fn version(client: &Client) -> Result<Option<i32>, Error> {
    let history = client.query_one(HISTORY, &[]).await?;
    match (history.try_get(0)?, history.try_get(1)?) {
        (false, _) => return Ok(None),
        (true, false) => return Ok(Some(TOLD_TO_ROLES - 1)),
        (true, true) => {}
    }
    Ok(client.query_one(NEWEST, &[]).await?.try_get(0)?)
}

fn known() -> i32 {
    main().get_migrations().iter().map(refinery::Migration::version).max().unwrap_or_default()
}
