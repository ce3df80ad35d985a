use std::convert::Infallible;
use std::ops::Deref;
use std::sync::Arc;

use keys::Keyring;
use store::Pool;
use store::roster::Roster;
use tokio::sync::{Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vitals::Clock;
use warp::Filter;

use crate::audit::{self, Audit};
use crate::caller::Desk;
use crate::config::Config;
use crate::identity::Gate;
use crate::live::{Hub, Seats};
use crate::transport::Transport;

/// Says why this node should get no traffic, if so.
pub type Ready = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;

/// What the portal needs from whoever runs it.
#[derive(Clone)]
pub struct Deps {
    /// As `vigil_portal`.
    pub pool: Pool,
    /// As `vigil_audit`.
    pub audit_pool: Pool,
    /// Where the audit keeps what is not in the database.
    pub audit: audit::Settings,
    pub clock: Clock,
    pub keyring: Keyring,
    pub roster: watch::Receiver<Arc<Roster>>,
    pub hub: Hub,
    pub transport: Transport,
    pub ready: Ready,
}

/// What handlers share. Cheap to clone. It has no pool: a [`crate::caller::Caller`] is the way to the database.
#[derive(Clone)]
pub(crate) struct App(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) clock: Clock,
    pub(crate) keyring: Keyring,
    pub(crate) roster: watch::Receiver<Arc<Roster>>,
    pub(crate) hub: Hub,
    pub(crate) ready: Ready,
    /// The way to the database, for callers.
    pub(crate) desk: Desk,
    /// What sign-in keeps in memory.
    pub(crate) gate: Gate,
    /// One permit a socket of `/live`.
    pub(crate) screens: Arc<Semaphore>,
    pub(crate) seats: Seats,
    /// The sockets that must end before the portal has stopped.
    pub(crate) sessions: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl App {
    pub(crate) fn new(deps: Deps, audit: Audit, config: &Config, stop: CancellationToken) -> Self {
        let Deps { pool, clock, keyring, roster, hub, transport, ready, .. } = deps;
        Self(Arc::new(Inner {
            desk: Desk::new(pool, clock.clone(), audit),
            gate: Gate::new(transport.is_secure()),
            clock,
            keyring,
            roster,
            hub,
            ready,
            screens: Arc::new(Semaphore::new(config.max_screens)),
            seats: Seats::default(),
            sessions: TaskTracker::new(),
            stop,
        }))
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
