use tokio::sync::TryAcquireError;
use warp::ws::Ws;
use warp::{Filter, Reply};

use super::session::Session;
use super::view::View;
use crate::app::App;
use crate::caller::Caller;
use crate::permission::Permission;
use crate::web::{Access, ApiError, Endpoint, Route, mount, routes};

/// Bytes of one message of a browser: a `watch` that names as many devices as may be watched.
const MAX_MESSAGE: usize = 512 * 1_024;

const LIVE: Endpoint = Endpoint::get(
    "/live",
    Access::Needs(Permission::ReadVitals),
    "WebSocket of live numbers and alarms; see docs/api.md",
)
.switches_protocol()
.of_its_place()
.even_while_the_database_is_away();

pub(crate) fn routes(app: &App) -> Route {
    let live = warp::path::end().and(warp::ws()).and(app.filter()).and(app.caller(&LIVE)).then(open);
    mount("live", routes![LIVE => live])
}

async fn open(socket: Ws, app: App, caller: Caller) -> Result<impl Reply, ApiError> {
    let screen = app.screens.clone().try_acquire_owned().map_err(|error| ApiError::Unavailable {
        code: "too_many_screens",
        detail: match error {
            TryAcquireError::NoPermits => "as many screens as allowed are connected".to_owned(),
            TryAcquireError::Closed => "the portal is stopping".to_owned(),
        },
    })?;
    let socket = socket.max_message_size(MAX_MESSAGE).max_frame_size(MAX_MESSAGE);
    let who = caller.who();
    let view = View::open(caller, &app.seats, app.keyring.clone(), app.gate.sockets.news()).await?;
    // A station's older socket ends for one that is let in, and for no other.
    let right = app.gate.sockets.open(who);
    Ok(socket.on_upgrade(move |socket| {
        let session = Session::new(app.hub.clone(), view, socket).run(app.stop.clone(), right);
        app.sessions.clone().track_future(async move {
            session.await;
            drop(screen);
        })
    }))
}
