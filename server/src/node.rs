//! Active or standby: of all nodes on one database, who has the lease serves (design §4.5, decision 0009).

use std::io::Write;
use std::process;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use keys::RootKey;
use store::Access;
use store::lease::{self, Epoch, Lease, Locked, Standby, Turn};
use tokio_util::sync::CancellationToken;
use vitals::Clock;

use crate::config::Config;
use crate::database::Database;
use crate::doors::Doors;
use crate::root_key;

/// `EX_TEMPFAIL`: another node has taken over, and this one is to be started again, as its standby.
const PASSED: i32 = 75;

/// How long a process that slept waits to be told whether it was passed. A database that does not answer in this time is
/// away, and then judging goes on.
const ANSWER: Duration = Duration::from_secs(5);

/// Clocks of two nodes that differ by more than this are not steered around: one of them is wrong.
const SKEW_MS: i64 = 10_000;

/// Waits until this node is the active one, and turns everybody away meanwhile; with the newest root key that it knows by then.
/// None: it was stopped before.
pub(crate) async fn lead(
    config: &Config,
    database: &Database,
    root: RootKey,
    doors: &Doors,
    stop: &CancellationToken,
) -> anyhow::Result<Option<(Lease, RootKey)>> {
    let (locked, root) = match lease::take(&database.access).await.context("ask for the lease")? {
        Turn::Ours(locked) => {
            tell(&doors.to_string());
            (Some(locked), root)
        }
        Turn::Theirs(standby) => {
            tell(&format!("{doors}\nstandby"));
            Box::pin(stand_by(standby, config, database, &root, doors, stop)).await?
        }
    };
    let Some(locked) = locked else { return Ok(None) };
    let lease = locked.lead().await.context("take the lease")?;
    tracing::info!(epoch = %lease.epoch(), "this node is active");
    Ok(Some((lease, root)))
}

async fn stand_by(
    standby: Standby,
    config: &Config,
    database: &Database,
    root: &RootKey,
    doors: &Doors,
    stop: &CancellationToken,
) -> anyhow::Result<(Option<Locked>, RootKey)> {
    let over = CancellationToken::new();
    let waiting = async {
        let locked = tokio::select! {
            locked = standby.wait() => locked.map(Some),
            () = stop.cancelled() => Ok(None),
        };
        over.cancel();
        locked
    };
    let devices = ingest::front::stand_by(&config.ingest.front, &doors.devices, &over);
    let screens = portal::stand_by(&doors.screens, &doors.transport, &over);
    let keys = Box::pin(root_key::stand_by(root, database, &over));
    let (locked, (), screens, root) = tokio::join!(waiting, devices, screens, keys);
    screens.context("stand by")?;
    Ok((locked.context("wait for the lease")?, root))
}

/// Keeps the lease until `stop`: given back last, when everything is drained.
pub(crate) async fn keep(mut lease: Lease, stop: CancellationToken) -> anyhow::Result<()> {
    tokio::select! {
        newer = lease.keep() => end(lease.epoch(), newer),
        () = stop.cancelled() => Ok(()),
    }
}

/// Blocks until it is known that no other node has taken over, or that the database cannot be asked. Comes back in these
/// cases only.
pub(crate) fn confirm(access: &Access, ours: Epoch) {
    let ask = || -> anyhow::Result<Epoch> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(runtime.block_on(async { tokio::time::timeout(ANSWER, lease::epoch(access)).await })??)
    };
    // A runtime cannot be waited for from within another one: the thread brings its own.
    match thread::scope(|scope| scope.spawn(ask).join()) {
        Ok(Ok(newer)) if newer != ours => end(ours, newer),
        Ok(Ok(_)) => {
            tracing::warn!("this process did not run for a while, or the clock was set; it is still the active node")
        }
        Ok(Err(error)) => tracing::warn!("this process did not run for a while, and the database is away: {error:#}"),
        Err(_) => tracing::error!("could not ask who is active: the thread panicked"),
    }
}

/// At once, without draining: what is not stored by now must not be acknowledged, and nobody may be told anything more.
fn end(ours: Epoch, newer: Epoch) -> ! {
    tracing::error!("another node has taken over (epoch {newer}, this one had {ours}): nothing more is stored here");
    process::exit(PASSED)
}

/// A clock that is not before what the last active node has stored, so that receive times rise across a takeover.
pub(crate) async fn clock(pool: &store::Pool) -> anyhow::Result<Clock> {
    let clock = Clock::system();
    let Some(before) = store::alarms::last_stop(&pool.get().await?, clock.now()).await? else { return Ok(clock) };
    let ahead_ms = before.millis_since(clock.now());
    if ahead_ms > SKEW_MS {
        tracing::error!(ahead_ms, "the newest reading was received in the future: a clock is wrong");
        return Ok(clock);
    }
    Ok(Clock::system_after(before))
}

/// On standard output; whoever started us may have stopped listening.
pub(crate) fn tell(what: &str) {
    if let Err(error) = writeln!(std::io::stdout(), "{what}") {
        tracing::debug!(%error, "nobody reads standard output");
    }
}
