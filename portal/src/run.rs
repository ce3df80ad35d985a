use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::app::{App, Deps, Render};
use crate::audit::{self, Audit};
use crate::config::Config;
use crate::web::{Route, assets, mount, pick, serve};
use crate::{alarms, devices, health, identity, live, openapi, trends};

/// How long answers under way, and then open screens, get to take what is left.
const DRAIN: Duration = Duration::from_secs(5);
/// Of a standby: it says one sentence, and is about to be needed.
const STANDBY_DRAIN: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("serve the portal on {0}: only a loopback address is allowed until there is sign-in")]
    NotLoopback(SocketAddr),
    #[error("serve the portal")]
    Listener(#[source] std::io::Error),
    #[error("open the audit")]
    Audit(#[from] audit::Error),
}

/// Serves until `stop`, then lets answers under way finish.
pub async fn run(config: Config, deps: Deps, listener: TcpListener, stop: CancellationToken) -> Result<(), Error> {
    check(&listener)?;
    let (audit, upkeep) = Audit::open(deps.audit_pool.clone(), deps.clock.clone(), deps.keyring.clone(), &deps.audit)?;
    let stop_audit = CancellationToken::new();
    let mut upkeep = AbortOnDropHandle::new(tokio::spawn(upkeep.run(stop_audit.clone())));
    let app = App::new(deps, audit, &config, stop.clone());
    let following = identity::follow(app.desk.identity_pool().clone(), app.clock.clone(), app.gate.sockets.clone());
    let following = AbortOnDropHandle::new(tokio::spawn(following));
    serve(&listener, routes(&app), &stop, DRAIN).await;
    app.screens.close();
    app.sessions.close();
    if tokio::time::timeout(DRAIN, app.sessions.wait()).await.is_err() {
        tracing::warn!(screens = app.sessions.len(), "screens did not close in time");
    }
    drop(following);
    stop_audit.cancel();
    if (&mut upkeep).await.is_err() {
        tracing::error!("the audit's upkeep panicked");
    }
    Ok(())
}

/// Says until `stop` that another node serves, and that this one is well.
pub async fn stand_by(listener: &TcpListener, metrics: Render, stop: &CancellationToken) -> Result<(), Error> {
    check(listener)?;
    serve(listener, pick([health::healthz(), health::metrics(metrics), health::standby()]), stop, STANDBY_DRAIN).await;
    Ok(())
}

fn check(listener: &TcpListener) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Listener)?;
    if address.ip().is_loopback() { Ok(()) } else { Err(Error::NotLoopback(address)) }
}

fn routes(app: &App) -> Route {
    let slices = [devices::devices(app), devices::parameters(), trends::routes(app), alarms::routes(app)];
    let api = mount("api", slices.into_iter().chain(audit::routes(app)).chain(identity::routes(app)));
    let parts = [live::routes(app), api, health::healthz(), health::readyz(app), health::metrics(app.metrics.clone())];
    let endpoints: Vec<_> = parts.iter().flat_map(Route::endpoints).copied().collect();
    pick(parts.into_iter().chain([openapi::routes(&endpoints), assets::routes()]))
}
