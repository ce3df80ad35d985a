//! Which of the nodes on one database is the active one (design §4.5, decision 0009).
//!
//! The lease is a session-level advisory lock: it goes with its session, and the database ends a session whose node is
//! dead, frozen or cut off. Taking it raises the epoch; every session through which a node writes belongs to one epoch
//! and cannot outlive it:
//! - it takes the shared lock of its epoch, and only then looks whether that epoch is still the one in the table;
//! - a new holder raises the epoch in the table, and only then looks who has a lock of another one, and ends it.
//!
//! So a session that found its epoch in the table had its lock before the new holder looked, and is ended; one that
//! looks later finds the new epoch, and is refused. When `Locked::lead` returns, nothing that an older node sent can
//! change the database any more, however late that node awakes. A statement pays nothing for it.
//!
//! A node holds it as `vigil_ingest`, which may neither change the epoch nor end the sessions of other roles: functions of
//! the owner do both. Whoever migrates holds it as the owner, before there is a node (`migrate`).

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::{Client, Config};

use crate::connect::{Fence, PATIENCE, connect_to};
use crate::{Access, Error, Role, migrate};

/// Held by the active node, and by whoever migrates; "vigil" in ASCII.
const LOCK: i64 = 0x0076_6967_696c;

/// The shared locks of sessions: this and their epoch. "Vigi" in ASCII.
const SESSIONS: i32 = 0x5669_6769;

/// The lease of a node that says nothing for this long is over, by the database's own clock. Two of the ten seconds of a
/// takeover are for noticing it and for ending old sessions, the rest is for reading the past.
const SILENCE: &str = "SET idle_session_timeout = '4s'; SET idle_in_transaction_session_timeout = '4s'";

/// How often the holder says something. Three may be lost.
const PING: Duration = Duration::from_secs(1);

/// How often a standby tries.
const POLL: Duration = Duration::from_millis(250);

/// How often a holder whose session broke tries to get it back: sooner than a standby, and well within its `GRACE`.
const RETRY: Duration = Duration::from_millis(100);

/// A standby that lost the database itself leaves the active node this long to come back: a restart of the database is
/// no reason to change nodes.
const GRACE: Duration = Duration::from_secs(3);

/// For each session that is told to end. One that takes longer is told again.
const END_MS: i64 = 1_000;

const TAKE: &str = "-- lease::take
    SELECT pg_try_advisory_lock($1)";

const RELEASE: &str = "-- lease::release
    SELECT pg_advisory_unlock($1)";

const RAISE: &str = "-- lease::raise
    SELECT raise_node_epoch()";

/// The number of those that there were.
const END: &str = "-- lease::end
    SELECT end_other_epochs($1, $2)";

// The same by the owner, who may meet a schema from before those functions.

const FENCED: &str = "-- lease::is_fenced
    SELECT to_regclass('node_epoch') IS NOT NULL";

const RAISE_AS_OWNER: &str = "-- lease::raise_as_owner
    UPDATE node_epoch SET epoch = epoch + 1, since = now() RETURNING epoch";

/// 1449748329 is `SESSIONS`; two locks of int4 have an `objsubid` of 2. The key store's sessions have theirs in that database.
const END_AS_OWNER: &str = "-- lease::end_as_owner
    SELECT count(pg_terminate_backend(pid, $2)) FROM (
        SELECT DISTINCT pid FROM pg_locks WHERE locktype = 'advisory' AND classid = 1449748329 AND objid <> $1 AND objsubid = 2
            AND database IN (SELECT oid FROM pg_database WHERE datname IN (current_database(), current_database() || '_keys'))
    ) old";

const ENTER: &str = "-- lease::enter
    SELECT pg_advisory_lock_shared($1, $2)";

const EPOCH: &str = "-- lease::epoch
    SELECT epoch FROM node_epoch";

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[TAKE, RELEASE, RAISE, END, FENCED, RAISE_AS_OWNER, END_AS_OWNER, ENTER, EPOCH];

/// The time of one active node, from taking over until another takes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Epoch(i32);

impl std::fmt::Display for Epoch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Has the lock, and has not begun anything.
pub struct Locked {
    to: Config,
    client: Client,
}

/// Somebody else has the lock.
pub struct Standby {
    to: Config,
    client: Option<Client>,
}

/// Has the lock, and is the one that writes.
pub struct Lease {
    to: Config,
    client: Option<Client>,
    epoch: Epoch,
}

/// Who has the lock.
pub enum Turn {
    Ours(Locked),
    Theirs(Standby),
}

/// Tries once. Refuses a schema that is not this program's.
pub async fn take(access: &Access) -> Result<Turn, Error> {
    let to = access.to(Role::Ingest)?;
    let client = candidate(&to).await?;
    Ok(match try_lock(&client).await? {
        true => Turn::Ours(Locked { to, client }),
        false => Turn::Theirs(Standby { to, client: Some(client) }),
    })
}

/// Waits until nobody has the lease, and lets go of it at once. Whatever the schema is like.
pub async fn free(access: &Access) -> Result<(), Error> {
    let to = access.to(Role::Ingest)?;
    let mut kept = None;
    loop {
        let tried = async {
            let client = match kept.take() {
                Some(client) => client,
                None => session(&to).await?,
            };
            let free = try_lock(&client).await?;
            if free {
                // The database may take a moment to notice that the session is over.
                client.execute(RELEASE, &[&LOCK]).await?;
            }
            Ok::<_, Error>((free, client))
        };
        match tried.await {
            Ok((true, _)) => return Ok(()),
            Ok((false, client)) => kept = Some(client),
            // The database is away: nobody can be asked.
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "cannot ask for the lease"),
        }
        sleep(POLL).await;
    }
}

/// The epoch in the table now, asked by a connection of its own.
pub async fn epoch(access: &Access) -> Result<Epoch, Error> {
    read_epoch(&connect_to(access.to(Role::Ingest)?, "vigil lease").await?).await
}

impl Standby {
    /// Waits for the lock, however long the database is away meanwhile.
    pub async fn wait(mut self) -> Result<Locked, Error> {
        let mut not_before = Instant::now();
        let mut away = false;
        loop {
            sleep(POLL).await;
            let client = match self.client.take() {
                Some(client) => Ok(client),
                None => candidate(&self.to).await.inspect(|_| not_before = Instant::now() + GRACE),
            };
            let locked = match &client {
                Ok(client) if Instant::now() >= not_before => try_lock(client).await,
                _ => Ok(false),
            };
            match (client, locked) {
                (Ok(client), Ok(true)) => return Ok(Locked { to: self.to, client }),
                (Ok(client), Ok(false)) => {
                    self.client = Some(client);
                    if std::mem::take(&mut away) {
                        tracing::info!("the database is back");
                    }
                }
                (Err(error @ (Error::NewerSchema { .. } | Error::OlderSchema { .. })), _) => return Err(error),
                (Err(error), _) | (_, Err(error)) => {
                    if !std::mem::replace(&mut away, true) {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "the database is away from this standby"
                        );
                    }
                }
            }
        }
    }
}

impl Locked {
    /// Ends what older epochs left. Afterwards nobody else writes.
    pub async fn lead(self) -> Result<Lease, Error> {
        // Again: a newer version may have migrated since.
        migrate::refuse_other(&self.client).await?;
        let epoch = fence(&self.client, RAISE, END).await?;
        Ok(Lease { to: self.to, client: Some(self.client), epoch })
    }
}

impl Lease {
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Keeps the lease; comes back only when another node has taken over, with that one's epoch. A session that broke is
    /// replaced, and while the database is away nobody can take over. An answer that does not come needs no limit of its
    /// own here: the connection has one, and what is not known meanwhile is not stored either.
    pub async fn keep(&mut self) -> Epoch {
        let mut broken = false;
        loop {
            match self.hold().await {
                Ok(None) => {
                    if std::mem::take(&mut broken) {
                        tracing::info!(epoch = self.epoch.0, "the lease is held again");
                    }
                    sleep(PING).await;
                }
                Ok(Some(newer)) => return newer,
                // At once, before a standby tries.
                Err(error) if !broken => {
                    broken = true;
                    self.client = None;
                    tracing::warn!(error = &error as &dyn std::error::Error, "the session of the lease broke");
                }
                Err(_) => sleep(RETRY).await,
            }
        }
    }

    /// None: it is held. The lock is asked for before the epoch: who has it knows that the epoch stays what it is.
    async fn hold(&mut self) -> Result<Option<Epoch>, Error> {
        if let Some(client) = &self.client {
            client.batch_execute("").await?;
            return Ok(None);
        }
        let client = session(&self.to).await?;
        let locked = try_lock(&client).await?;
        let epoch = read_epoch(&client).await?;
        if epoch != self.epoch {
            return Ok(Some(epoch));
        }
        if !locked {
            return Err(Error::LeaseTaken);
        }
        self.client = Some(client);
        Ok(None)
    }
}

/// Makes this session one of its node's epoch; refuses when that is over.
pub(crate) async fn enter(client: &Client, fence: &Fence) -> Result<(), Error> {
    let entering = async {
        client.execute(ENTER, &[&SESSIONS, &fence.epoch.0]).await?;
        let newest = match &fence.elsewhere {
            None => read_epoch(client).await?,
            Some(main) => read_epoch(&connect_to(main.clone(), "vigil epoch").await?).await?,
        };
        if newest == fence.epoch { Ok(()) } else { Err(Error::Fenced(fence.epoch)) }
    };
    timeout(PATIENCE, entering).await.unwrap_or(Err(Error::ConnectTimeout(PATIENCE.as_secs())))
}

/// Of somebody who could use the schema.
async fn candidate(to: &Config) -> Result<Client, Error> {
    let client = session(to).await?;
    migrate::refuse_other(&client).await?;
    Ok(client)
}

/// A session that may hold the lock, of this epoch or the next.
pub(crate) async fn session(to: &Config) -> Result<Client, Error> {
    let client = connect_to(to.clone(), "vigil lease").await?;
    client.batch_execute(SILENCE).await?;
    Ok(client)
}

pub(crate) async fn try_lock(client: &Client) -> Result<bool, Error> {
    Ok(client.query_one(TAKE, &[&LOCK]).await?.try_get(0)?)
}

/// By whoever is about to migrate: a node that is merely frozen must not find another schema under it. Without epochs no
/// node has run on this schema.
pub(crate) async fn fence_as_owner(client: &Client) -> Result<(), Error> {
    if client.query_one(FENCED, &[]).await?.try_get(0)? {
        fence(client, RAISE_AS_OWNER, END_AS_OWNER).await?;
    }
    Ok(())
}

/// Raises the epoch and ends every session of another one.
async fn fence(client: &Client, raise: &str, end: &str) -> Result<Epoch, Error> {
    let epoch = Epoch(client.query_one(raise, &[]).await?.try_get(0)?);
    loop {
        let ended: i64 = client.query_one(end, &[&epoch.0.cast_unsigned(), &END_MS]).await?.try_get(0)?;
        if ended == 0 {
            return Ok(epoch);
        }
        tracing::warn!(sessions = ended, "sessions of an older epoch were ended");
    }
}

async fn read_epoch(client: &Client) -> Result<Epoch, Error> {
    Ok(Epoch(client.query_one(EPOCH, &[]).await?.try_get(0)?))
}
