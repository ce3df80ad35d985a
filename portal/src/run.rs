use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Deps, Render};
use crate::config::Config;
use crate::web::{Endpoint, Route, assets, mount, pick, serve};
use crate::{alarms, devices, health, live, openapi, trends};

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
}

/// Serves until `stop`, then lets answers under way finish.
pub async fn run(config: Config, deps: Deps, listener: TcpListener, stop: CancellationToken) -> Result<(), Error> {
    check(&listener)?;
    let app = App::new(deps, config.max_screens, stop.clone());
    serve(&listener, routes(&app), &stop, DRAIN).await;
    app.screens.close();
    app.sessions.close();
    if tokio::time::timeout(DRAIN, app.sessions.wait()).await.is_err() {
        tracing::warn!(screens = app.sessions.len(), "screens did not close in time");
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

/// What the portal serves besides the UI itself.
pub(crate) fn endpoints() -> impl Iterator<Item = &'static Endpoint> {
    [devices::ENDPOINTS, trends::ENDPOINTS, alarms::ENDPOINTS, live::ENDPOINTS, health::ENDPOINTS, openapi::ENDPOINTS]
        .into_iter()
        .flatten()
}

fn routes(app: &App) -> Route {
    let api = mount("api", [devices::devices(app), devices::parameters(), trends::routes(app), alarms::routes(app)]);
    pick([
        live::routes(app),
        api,
        health::healthz(),
        health::readyz(app),
        health::metrics(app.metrics.clone()),
        openapi::routes(),
        assets::routes(),
    ])
}
