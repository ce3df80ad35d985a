use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use store::Pool;
use store::roster::Roster;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vitals::Clock;
use warp::Filter;

use crate::audit::Audit;
use crate::caller::Desk;
use crate::live::Hub;

/// Renders the metrics of this process.
pub type Render = Arc<dyn Fn() -> String + Send + Sync>;

/// What the portal needs from whoever runs it.
#[derive(Clone)]
pub struct Deps {
    pub pool: Pool,
    pub clock: Clock,
    pub roster: watch::Receiver<Arc<Roster>>,
    pub hub: Hub,
    /// The page of `/metrics`, in the text format of Prometheus.
    pub metrics: Render,
    /// Why this node should get no traffic, if so.
    pub ready: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}

/// What handlers share. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) deps: Deps,
    /// The way to the database, for callers.
    pub(crate) desk: Desk,
    /// One permit a socket of `/live`.
    pub(crate) screens: Arc<Semaphore>,
    /// The sockets that must end before the portal has stopped.
    pub(crate) sessions: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl App {
    pub(crate) fn new(deps: Deps, audit: Audit, max_screens: usize, stop: CancellationToken) -> Self {
        let screens = Arc::new(Semaphore::new(max_screens));
        let desk = Desk::new(deps.pool.clone(), deps.clock.clone(), audit);
        Self(Arc::new(Inner { deps, desk, screens, sessions: TaskTracker::new(), stop }))
    }

    /// Hands the app to a handler.
    pub(crate) fn filter(&self) -> impl Filter<Extract = (Self,), Error = Infallible> + Clone + use<> {
        let app = self.clone();
        warp::any().map(move || app.clone())
    }
}

impl Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Deref for Inner {
    type Target = Deps;

    fn deref(&self) -> &Deps {
        &self.deps
    }
}
