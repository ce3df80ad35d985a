use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service;
use warp::http::{HeaderValue, Request, header};
use warp::reply::{Reply, Response};

use super::ApiError;
use super::guard::Guard;
use super::handshakes::{HANDSHAKE_PATIENCE, Handshakes};
use super::patience::{Flag, Patient, Timely};
use super::route::Route;
use super::shares::{Place, Places};
use crate::caller::{Asker, Peer};

/// Connections at once, screens not counted once they are WebSockets. More wait in the kernel's backlog.
pub const MAX_CONNECTIONS: usize = 1_024;

/// Of one address, which may be a whole house.
pub(crate) const MAX_OF_ONE_ADDRESS: usize = MAX_CONNECTIONS / 2;

/// For the head of a request; a browser sends it at once.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);

/// After a failed accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How a listener is served.
pub(crate) struct Door {
    pub(crate) guard: Guard,
    pub(crate) tls: Option<TlsAcceptor>,
    /// At once. More wait in the kernel's backlog.
    pub(crate) connections: usize,
    /// Of them one address's share.
    pub(crate) of_one_address: usize,
}

/// Serves until `stop`, then until what was asked is answered, for as long as `drain`.
pub(crate) async fn serve(
    listener: &TcpListener,
    routes: Route,
    door: &Door,
    stop: &CancellationToken,
    drain: Duration,
) {
    let talks = TaskTracker::new();
    let (places, handshakes) = (Places::new(door.connections, door.of_one_address), Handshakes::new());
    // HTTP/1.1 is what WebSockets need; HTTP/2 would be a second set of hostile peers for the same few requests.
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
    let routes = warp::service(routes.into_filter());
    while let Some((stream, peer, place)) = accept(listener, &places, stop).await {
        // Numbers are small and late ones worthless: nothing waits to fill a segment.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection went at once");
            continue;
        }
        let service = Guarded { routes: routes.clone(), guard: door.guard.clone(), peer: Peer(peer) };
        let talk = Talk { http: http.clone(), service, stop: stop.clone(), place };
        let Some(tls) = door.tls.clone() else {
            talks.spawn(talk.over(stream));
            continue;
        };
        let handshakes = handshakes.clone();
        talks.spawn(async move {
            let shaken = tokio::select! {
                () = talk.stop.cancelled() => None,
                shaken = shake_hands(&tls, stream, &handshakes, peer.ip()) => shaken,
            };
            if let Some(stream) = shaken {
                talk.over(stream).await;
            }
        });
    }
    talks.close();
    if timeout(drain, talks.wait()).await.is_err() {
        tracing::warn!("answers under way did not finish in time");
    }
}

/// None: it is time to stop.
async fn accept(
    listener: &TcpListener,
    places: &Places,
    stop: &CancellationToken,
) -> Option<(TcpStream, SocketAddr, Place)> {
    loop {
        let accepted = async {
            let free = places.free().await;
            (listener.accept().await, free)
        };
        let (accepted, free) = tokio::select! {
            () = stop.cancelled() => return None,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match free.take(peer.ip()) {
                Some(place) => return Some((stream, peer, place)),
                None => metrics::counter!("vigil_portal_connections_refused_total").increment(1),
            },
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "accept a connection to the portal");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// None: no TLS was spoken, or not in time, the wait for a turn included, or this address has more than its share.
async fn shake_hands<S: AsyncRead + AsyncWrite + Unpin>(
    tls: &TlsAcceptor,
    stream: S,
    handshakes: &Handshakes,
    address: IpAddr,
) -> Option<TlsStream<S>> {
    let shaken = timeout(HANDSHAKE_PATIENCE, async {
        let Some(_turn) = handshakes.enter(address).await else {
            metrics::counter!("vigil_portal_handshakes_refused_total").increment(1);
            return None;
        };
        Some(tls.accept(stream).await)
    });
    let stream = match shaken.await {
        Ok(None) => return None,
        Ok(Some(shaken)) => shaken.ok(),
        Err(_) => None,
    };
    if stream.is_none() {
        metrics::counter!("vigil_portal_handshakes_failed_total").increment(1);
    }
    stream
}

/// One connection, once its bytes are known to be HTTP's.
struct Talk<S> {
    http: http1::Builder,
    service: Guarded<S>,
    stop: CancellationToken,
    place: Place,
}

impl<S> Talk<S>
where
    S: Service<Request<Timely<Incoming>>, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send + 'static,
{
    async fn over(self, stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static) {
        let service = TowerToHyperService::new(self.service);
        let upgraded = Flag::default();
        let stream = TokioIo::new(Patient::new(stream, upgraded.clone()));
        let mut connection = pin!(self.http.serve_connection(stream, service).with_upgrades());
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.stop.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection ended early");
        }
        // What is open still is a screen.
        upgraded.raise();
        drop(self.place);
    }
}

/// Checks every request before any route sees it, and dresses every answer.
#[derive(Clone)]
struct Guarded<S> {
    routes: S,
    guard: Guard,
    peer: Peer,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<Timely<B>>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let asker = Asker::default();
        request.extensions_mut().insert(self.peer);
        request.extensions_mut().insert(asker.clone());
        let guard = self.guard.clone();
        let late = Flag::default();
        let answer =
            guard.check(&request).map(|()| self.routes.call(request.map(|body| Timely::new(body, late.clone()))));
        Box::pin(async move {
            let mut response = match answer {
                Ok(response) => match response.await? {
                    // Whatever the route made of a body that ended early.
                    _ if late.up() => too_slow(),
                    response => asker.explained(response).await,
                },
                Err(refused) => refused.into_response(),
            };
            guard.harden(response.headers_mut());
            Ok(response)
        })
    }
}

fn too_slow() -> Response {
    let mut response = ApiError::TooSlow.into_response();
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

#[cfg(test)]
mod tests;
