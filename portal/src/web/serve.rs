use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tower_service::Service;
use warp::http::Request;
use warp::reply::{Reply, Response};

use super::guard;
use super::route::Route;
use crate::caller::Peer;

/// Connections at once, screens not counted once they are WebSockets. More wait in the kernel's backlog.
pub const MAX_CONNECTIONS: usize = 1_024;

/// For the head of a request; a browser sends it at once.
const HEADER_PATIENCE: Duration = Duration::from_secs(10);

/// After a failed accept, usually for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop`, then until what was asked is answered, for as long as `drain`.
pub(crate) async fn serve(listener: &TcpListener, routes: Route, stop: &CancellationToken, drain: Duration) {
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut http = auto::Builder::new(TokioExecutor::new());
    http.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_PATIENCE);
    http.http2().timer(TokioTimer::new());
    let routes = warp::service(routes.into_filter());
    loop {
        let accepted = async {
            let permit = room.clone().acquire_owned().await.expect("nobody closes the semaphore");
            (listener.accept().await, permit)
        };
        let (accepted, permit) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accepted => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "accept a connection to the portal");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Numbers are small and late ones worthless: nothing waits to fill a segment.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(error = &error as &dyn std::error::Error, "a connection went at once");
            continue;
        }
        let service = TowerToHyperService::new(Guarded { routes: routes.clone(), peer: Peer(peer) });
        let connection = http.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error = error.as_ref() as &dyn std::error::Error, "a connection ended early");
            }
            drop(permit);
        });
    }
    if tokio::time::timeout(drain, graceful.shutdown()).await.is_err() {
        tracing::warn!("answers under way did not finish in time");
    }
}

/// Checks every request before any route sees it, and dresses every answer.
#[derive(Clone)]
struct Guarded<S> {
    routes: S,
    peer: Peer,
}

impl<S, B> Service<Request<B>> for Guarded<S>
where
    S: Service<Request<B>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.routes.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        let answer = guard::check(&request).map(|()| self.routes.call(request));
        Box::pin(async move {
            let mut response = match answer {
                Ok(response) => response.await?,
                Err(refused) => refused.into_response(),
            };
            guard::harden(response.headers_mut());
            Ok(response)
        })
    }
}
