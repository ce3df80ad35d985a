//! Who is wired to whom. Siblings meet here and nowhere else.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Context;
use metrics_exporter_prometheus::PrometheusHandle;
use parking_lot::Mutex;
use portal::{BearerToken, Hub, Transport};
use store::lease::Epoch;
use store::{Pool, Role, roster};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use vitals::{Clock, Transition};

use crate::awake::Awake;
use crate::config::Config;
use crate::database::Database;
use crate::doors::Doors;
use crate::parts::Parts;
use crate::selfcare::{self, Watched};
use crate::tls::Tls;
use crate::watchdog::{Judging, Watchdog};
use crate::{fit, node, root_key, scrape, telemetry};

/// How long each part may take to drain.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn all(config: &Config) -> anyhow::Result<()> {
    root_key::look(config)?;
    let token = scrape::token(config)?;
    let tls = Tls::open(config)?;
    let database = Database::open(config)?;
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
        .and_then(|runtime| runtime.block_on(serve(config, &tls, &database, token)));
    database.close(config)?;
    outcome
}

async fn serve(config: &Config, tls: &Tls, database: &Database, token: Option<BearerToken>) -> anyhow::Result<()> {
    let metrics = telemetry::metrics()?;
    let stop = CancellationToken::new();
    stop_on_signal(&stop)?;
    if !fit::to_serve(&database.access, &stop).await? {
        return Ok(());
    }
    let root = root_key::fits(config, database).await?;
    // Bound before anything runs: a taken port is told before a device is.
    let mut doors = Doors::open(config, tls).await?;
    let mut parts = Parts::new(stop.clone());
    // Of a standby as well, until the very end.
    tell_metrics(&mut parts, &mut doors, metrics.clone(), token);
    let Some((lease, root)) = node::lead(config, database, root, &doors, &stop).await? else {
        return parts.until_stopped(PATIENCE).await;
    };
    let epoch = lease.epoch();
    // Before the rest, so that it is given back after it.
    parts.start("lease", |stop| node::keep(lease, stop));
    let [ingest, alerting, portal, audit] = pools(config, database, epoch)?;
    let (keyring, following) = root_key::follow(root, config, database, epoch).await?;
    let clock = node::clock(&alerting).await.context("look when the last run ended")?;
    let (roster, watching) = roster::watch(ingest.clone()).await.context("read the roster")?;

    // Before the engine, which may tell what its last run could not store; seeded once it knows where it stands.
    let screens = Hub::new(clock.clone(), roster.clone(), &[], 0);
    let sink = {
        let screens = screens.clone();
        move |transition: &Transition| screens.transition(transition)
    };
    let (alerting, alarms) =
        alerting::start(alerting, clock.clone(), roster.clone(), Arc::new(sink)).await.context("start alerting")?;
    screens.seed(&alerting.active(), alerting.position());

    let health = Arc::new(Health::default());
    let judging = Arc::new(Judging::default());
    let awake = {
        let (alerting, access) = (alerting.clone(), database.access.clone());
        let slept = move |from, until| alerting.slept(from, until);
        Arc::new(Awake::new(clock.clone(), Box::new(move || node::confirm(&access, epoch)), Box::new(slept)))
    };
    let outlets = outlets(&alerting, &screens, &health, &judging, &awake);

    parts.start("awake", |stop| {
        let awake = awake.clone();
        async move {
            awake.run(stop).await;
            Ok(())
        }
    });
    parts.keep("roster", watching);
    parts.keep("keys", following);
    parts.start("metrics", |stop| telemetry::upkeep(metrics.clone(), stop));
    parts.start("alerting", |stop| async move { Ok(alarms.run(move |now| awake.look(now), stop).await?) });
    let watched = Watched::new(config, database, tls, &clock, &alerting);
    parts.start("selfcare", |stop| selfcare::run(watched, stop));
    let watchdog = watch(judging, alerting, clock.clone(), health.clone()).context("start the watchdog")?;
    parts.start("watchdog", |stop| async move {
        tokio::select! { () = watchdog.ended() => anyhow::bail!("the watchdog panicked"), () = stop.cancelled() => Ok(()) }
    });
    parts.start("portal", |stop| {
        let deps = portal::Deps {
            pool: portal,
            audit_pool: audit,
            audit: config.audit.settings(config),
            keyring: keyring.clone(),
            clock: clock.clone(),
            roster: roster.clone(),
            hub: screens,
            transport: doors.transport,
            ready: Arc::new(move || health.ready()),
        };
        let config = config.portal.clone();
        async move { Ok(portal::run(config, deps, doors.screens, stop).await?) }
    });
    let deps = ingest::Deps { pool: ingest, clock, roster, outlets, keyring, listeners: doors.devices };
    let (serving, served) = tokio::sync::oneshot::channel();
    parts.start("ingest", |stop| {
        let config = config.ingest.clone();
        async move { Ok(ingest::run(config, deps, move || serving.send(()).unwrap_or_default(), stop).await?) }
    });
    if served.await.is_ok() {
        node::tell("ready");
    }
    parts.until_stopped(PATIENCE).await
}

fn tell_metrics(parts: &mut Parts, doors: &mut Doors, metrics: PrometheusHandle, token: Option<BearerToken>) {
    let Some(listener) = doors.metrics.take() else { return };
    let tls = match &doors.transport {
        Transport::Tls(tls) if listener.local_addr().is_ok_and(|address| !address.ip().is_loopback()) => {
            Some(tls.acceptor.clone())
        }
        _ => None,
    };
    let scrape = portal::Scrape { render: Arc::new(move || metrics.render()), token, tls };
    parts.start("the page of metrics", |stop| async move { Ok(portal::serve_metrics(listener, scrape, stop).await?) });
}

fn watch(
    judging: Arc<Judging>,
    alerting: alerting::Alerting,
    clock: Clock,
    health: Arc<Health>,
) -> std::io::Result<Watchdog> {
    Watchdog::start(judging, move |stuck| {
        // First: what stalls may hold the lock that the alarm needs.
        health.stalled.store(stuck, Ordering::SeqCst);
        alerting.system("judging_stalled", stuck, clock.now());
    })
}

/// A pool for each part, as its role.
fn pools(config: &Config, database: &Database, epoch: Epoch) -> Result<[Pool; 4], store::Error> {
    let connections = &config.database.connections;
    let pool = |role, connections| database.access.fenced(role, connections, epoch);
    Ok([
        pool(Role::Ingest, connections.ingest)?,
        pool(Role::Alerting, connections.alerting)?,
        pool(Role::Portal, connections.portal)?,
        pool(Role::Audit, connections.audit)?,
    ])
}

fn stop_on_signal(stop: &CancellationToken) -> anyhow::Result<()> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! { _ = interrupt.recv() => {}, _ = terminate.recv() => {} }
        tracing::info!("stopping");
        stop.cancel();
    });
    Ok(())
}

/// Each looks first whether we are awake: nobody is judged by the time that we slept, nor by a node that was passed.
fn outlets(
    alerting: &alerting::Alerting,
    hub: &Hub,
    health: &Arc<Health>,
    judging: &Arc<Judging>,
    awake: &Arc<Awake>,
) -> ingest::Outlets {
    let (judge, holder, away) = (alerting.clone(), alerting.clone(), alerting.clone());
    let (arrivals, duplicates) = (alerting.clone(), alerting.clone());
    let (show, presence) = (hub.clone(), hub.clone());
    let holding = Any::default();
    let (health, judging) = (health.clone(), judging.clone());
    let looks = || {
        let awake = awake.clone();
        move |at| awake.look(at)
    };
    let before_judging = awake.clone();
    let (before_presence, before_hold) = (looks(), looks());
    let (before_flapping, before_away) = (looks(), looks());
    ingest::Outlets {
        judge: Arc::new(move |frames| {
            before_judging.look_now();
            judging.watch(|| judge.judge(frames));
        }),
        show: Arc::new(move |frames, offset_us| show.show(frames, offset_us)),
        presence: Arc::new(move |device, connected, at| {
            before_presence(at);
            arrivals.connected(device, connected, at);
            presence.presence(device, connected, at);
        }),
        held: Arc::new(move |device, held, at| {
            before_hold(at);
            holder.hold(device, held, at);
            holding.change(held, |present| holder.system("devices_held", present, at));
        }),
        flapping: Arc::new(move |device, at| {
            before_flapping(at);
            duplicates.flapping(device, at);
        }),
        database_away: Arc::new(move |is_away, at| {
            before_away(at);
            health.writers_away.change(is_away, |present| away.system("database_away", present, at));
        }),
    }
}

/// How many say that something holds. Tells when the first one says so and when the last one takes it back, under its
/// lock, so that the two never cross.
#[derive(Default)]
struct Any(Mutex<usize>);

impl Any {
    fn change(&self, holds: bool, told: impl FnOnce(bool)) {
        let mut count = self.0.lock();
        let before = *count > 0;
        *count = if holds { *count + 1 } else { count.saturating_sub(1) };
        if (*count > 0) != before {
            told(*count > 0);
        }
    }
}

/// What `/readyz` asks.
#[derive(Default)]
struct Health {
    writers_away: Any,
    stalled: AtomicBool,
}

impl Health {
    fn ready(&self) -> Result<(), String> {
        if self.stalled.load(Ordering::SeqCst) {
            return Err("judging stalls".to_owned());
        }
        if *self.writers_away.0.lock() > 0 {
            return Err("the database is away; readings are judged, shown and held".to_owned());
        }
        Ok(())
    }
}
