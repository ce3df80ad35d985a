use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::app::{App, Deps};
use crate::config::Config;
use crate::web::{Endpoint, Route, assets, mount, pick, serve};
use crate::{alarms, devices, health, live, openapi, trends};

/// How long open screens get to take their last message.
const DRAIN: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("serve the portal on {0}: only a loopback address is allowed until there is sign-in")]
    NotLoopback(SocketAddr),
    #[error("serve the portal")]
    Listener(#[source] std::io::Error),
}

/// Serves until `stop`, then lets answers under way finish.
pub async fn run(config: Config, deps: Deps, listener: TcpListener, stop: CancellationToken) -> Result<(), Error> {
    let address = listener.local_addr().map_err(Error::Listener)?;
    if !address.ip().is_loopback() {
        return Err(Error::NotLoopback(address));
    }
    let app = App::new(deps, config.max_screens, stop.clone());
    serve(listener, routes(&app), &stop).await;
    app.screens.close();
    app.sessions.close();
    if tokio::time::timeout(DRAIN, app.sessions.wait()).await.is_err() {
        tracing::warn!(screens = app.sessions.len(), "screens did not close in time");
    }
    Ok(())
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
        health::metrics(app),
        openapi::routes(),
        assets::routes(),
    ])
}
