use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::app::{App, Deps};
use crate::audit::{self, Audit};
use crate::config::Config;
use crate::transport::{self, Transport};
use crate::web::{Door, Guard, MAX_CONNECTIONS, MAX_OF_ONE_ADDRESS, Route, assets, mount, pick, serve};
use crate::{alarms, devices, health, identity, live, openapi, patients, scrape, trends};

/// How long answers under way, and then open screens, get to take what is left.
const DRAIN: Duration = Duration::from_secs(5);
/// Of a standby: it says one sentence, and is about to be needed.
const STANDBY_DRAIN: Duration = Duration::from_millis(250);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("serve the portal on {0}: without TLS, and a token for metrics, only a loopback address is")]
    NotLoopback(SocketAddr),
    #[error("serve the portal")]
    Listener(#[source] std::io::Error),
    #[error("open the audit")]
    Audit(#[from] audit::Error),
}

/// Serves until `stop`, then lets answers under way finish.
pub async fn run(config: Config, deps: Deps, listener: TcpListener, stop: CancellationToken) -> Result<(), Error> {
    let door = door(&listener, &deps.transport)?;
    let transport = deps.transport.clone();
    let (audit, upkeep) = Audit::open(deps.audit_pool.clone(), deps.clock.clone(), deps.keyring.clone(), &deps.audit)?;
    let stop_audit = CancellationToken::new();
    let mut upkeep = AbortOnDropHandle::new(tokio::spawn(upkeep.run(stop_audit.clone())));
    let app = App::new(deps, audit, &config, stop.clone());
    let following = identity::follow(app.desk.identity_pool().clone(), app.clock.clone(), app.gate.sockets.clone());
    let following = AbortOnDropHandle::new(tokio::spawn(following));
    serve(&listener, routes(&app, &transport), &door, &stop, DRAIN).await;
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
pub async fn stand_by(listener: &TcpListener, transport: &Transport, stop: &CancellationToken) -> Result<(), Error> {
    let door = door(listener, transport)?;
    serve(listener, pick([health::healthz(), health::standby()]), &door, stop, STANDBY_DRAIN).await;
    Ok(())
}

pub(crate) fn door(listener: &TcpListener, transport: &Transport) -> Result<Door, Error> {
    if let (Some(address), Transport::Plain) = (beyond_loopback(listener)?, transport) {
        return Err(Error::NotLoopback(address));
    }
    let tls = transport.tls().map(|tls| tls.acceptor.clone());
    Ok(Door { guard: Guard::of(transport), tls, connections: MAX_CONNECTIONS, of_one_address: MAX_OF_ONE_ADDRESS })
}

/// The address, where others than this machine reach it.
pub(crate) fn beyond_loopback(listener: &TcpListener) -> Result<Option<SocketAddr>, Error> {
    let address = listener.local_addr().map_err(Error::Listener)?;
    Ok(if address.ip().is_loopback() { None } else { Some(address) })
}

fn routes(app: &App, transport: &Transport) -> Route {
    let slices =
        [devices::devices(app), devices::parameters(), patients::routes(app), trends::routes(app), alarms::routes(app)];
    let slices = slices.into_iter().chain([transport::routes(transport)]);
    let api = mount("api", slices.chain(audit::routes(app)).chain(identity::routes(app)));
    let parts = [live::routes(app), api, health::healthz(), health::readyz(app)];
    let endpoints: Vec<_> = parts.iter().flat_map(Route::endpoints).copied().collect();
    pick(parts.into_iter().chain([openapi::routes(&endpoints), scrape::elsewhere(), assets::routes()]))
}
