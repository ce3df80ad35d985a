//! MQTT 3.1.1 and 5 on the same port: sockets, identities, rights, acknowledgements. One task a connection.
//!
//! **Absent on purpose**: sessions that outlive a connection, QoS 2, shared subscriptions, topic aliases; and rumqttd's
//! own listener, which acknowledges before anything is durable (docs/decisions/0001).

mod acl;
mod codes;
mod config;
mod connect;
mod delivery;
mod down;
mod encode;
mod flapping;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod goodbye;
mod handshake;
mod identity;
mod incoming;
mod outgoing;
mod packet;
mod places;
mod presence;
mod properties;
mod read;
mod registry;
mod session;
mod socket;
mod standby;
mod status;
mod subscribe;
#[cfg(feature = "testing")]
pub mod testing;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use store::roster::Roster;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use vitals::Clock;

use crate::pipeline::Pipeline;
use codes::Code;
pub use config::Config;
use down::Downlink;
use places::{Place, Places};
use registry::Registry;
use session::Session;
use socket::Socket;
pub use standby::stand_by;
use status::Board;

/// Clients looked up in the database at once because they are not on the roster: strangers must not use up its connections.
const LOOK_UPS: usize = 12;
/// Of the pool's connections: one in so many, at most.
const LOOK_UP_SHARE: usize = 2;
/// Clients that wait in the kernel until they are accepted; as many as Linux permits by itself (`net.core.somaxconn`). From
/// the next one on it drops whoever comes, a device as soon as a stranger. The usual 128 are fewer than wait here in earnest.
const QUEUE: u32 = 4_096;
/// Pause after a failed accept: out of descriptors, the next one would fail as well.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read the last statuses")]
    Statuses(#[from] store::Error),
    #[error("link to the router")]
    Router(#[from] Box<rumqttd::local::LinkError>),
    #[error("start a thread of the router link")]
    Thread(#[from] io::Error),
    #[error("start of the router link panicked")]
    RouterPanicked,
    #[error("the router is gone")]
    RouterGone,
}

pub struct Listener {
    pub socket: TcpListener,
    /// Client certificates are optional, and checked against the device CA by this acceptor.
    pub tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Inside of a runtime.
    pub fn bind(address: SocketAddr, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let socket = if address.is_ipv6() { TcpSocket::new_v6()? } else { TcpSocket::new_v4()? };
        // A restart must not wait for what is left of the connections of the one before.
        socket.set_reuseaddr(true)?;
        socket.bind(address)?;
        Ok(Self { socket: socket.listen(QUEUE)?, tls })
    }
}

pub(crate) struct Deps {
    pub(crate) config: Config,
    pub(crate) roster: watch::Receiver<Arc<Roster>>,
    pub(crate) pool: store::Pool,
    pub(crate) clock: Clock,
    pub(crate) pipeline: Pipeline,
}

/// What every connection shares.
struct Front {
    config: Config,
    roster: watch::Receiver<Arc<Roster>>,
    pool: store::Pool,
    clock: Clock,
    pipeline: Pipeline,
    registry: Arc<Registry>,
    statuses: Board,
    down: Downlink,
    connections: Arc<Semaphore>,
    look_ups: Semaphore,
    bytes_read: metrics::Counter,
    stop: CancellationToken,
}

impl Front {
    fn refused(&self, code: Code) {
        count_refusal(code);
    }
}

fn count_refusal(code: Code) {
    metrics::counter!("vigil_mqtt_refused_total", "reason" => code.label()).increment(1);
}

/// Ends once stopped, or without its router, and every connection has been drained and sent away.
pub(crate) async fn run(listeners: Vec<Listener>, deps: Deps, stop: CancellationToken) -> Result<(), Error> {
    let Deps { config, roster, pool, clock, pipeline } = deps;
    let (stop, broken) = (stop.child_token(), CancellationToken::new());
    let statuses = Board::new();
    {
        let client = pool.get().await?;
        let known = roster.borrow().clone();
        for (key, payload, _) in store::statuses::load(&client).await? {
            if let Some(device) = known.by_key(key) {
                // At which QoS it was published is not kept.
                statuses.put(&device.name, &payload, 1);
            }
        }
    }
    let registry = Arc::new(Registry::new(stop.clone()));
    let (down, link) = {
        let (registry, runtime, broken) = (registry.clone(), tokio::runtime::Handle::current(), broken.clone());
        tokio::task::spawn_blocking(move || down::start(registry, runtime, broken))
            .await
            .map_err(|_| Error::RouterPanicked)??
    };
    let places = Places::new(config.max_unauthenticated);
    let connections = config.max_connections;
    let look_ups = (pool.max_size() / LOOK_UP_SHARE).clamp(1, LOOK_UPS);
    let front = Arc::new(Front {
        config,
        roster,
        pool,
        clock,
        pipeline,
        registry,
        statuses,
        down,
        connections: Arc::new(Semaphore::new(connections)),
        look_ups: Semaphore::new(look_ups),
        bytes_read: metrics::counter!("vigil_mqtt_read_bytes_total"),
        stop,
    });
    let tasks = TaskTracker::new();
    for Listener { socket, tls } in listeners {
        let (front, places, of_listener) = (front.clone(), places.clone(), tasks.clone());
        tasks.spawn(async move {
            let serve = |client, place| {
                let (front, tls, tasks) = (front.clone(), tls.clone(), of_listener.clone());
                of_listener.spawn(async move {
                    // A task of its own: one that has been through a handshake keeps the room that it needed for it.
                    if let Some(session) = admit(front, client, tls, place).await {
                        tasks.spawn(session.run());
                    }
                });
            };
            accept(&socket, &places, &front.stop, serve).await;
        });
    }
    let whole = tokio::select! {
        () = front.stop.cancelled() => Ok(()),
        () = broken.cancelled() => Err(Error::RouterGone),
    };
    front.stop.cancel();
    front.registry.kick_all();
    tasks.close();
    tasks.wait().await;
    drop(front);
    if tokio::task::spawn_blocking(move || link.join()).await.is_err() {
        tracing::error!("the router link did not end in order");
    }
    whole
}

/// Hands on whoever connects, until `stop`. One client at a time is accepted and has no place yet.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Places>,
    stop: &CancellationToken,
    serve: impl Fn(TcpStream, Place),
) {
    loop {
        let accepted = async {
            let (client, address) = listener.accept().await?;
            Ok::<_, io::Error>((client, places.enter(address.ip()).await))
        };
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = accepted => accepted,
        };
        match accepted {
            Ok((client, place)) => serve(client, place),
            Err(error) => {
                tracing::warn!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// None: the TLS handshake failed.
async fn open(client: TcpStream, tls: Option<TlsAcceptor>) -> Option<Socket> {
    if let Err(error) = client.set_nodelay(true) {
        tracing::debug!(%error, "could not turn off delay of small packets");
    }
    Some(match tls {
        None => Socket::Plain(client),
        Some(tls) => Socket::Tls(Box::new(tls.accept(client).await.ok()?)),
    })
}

/// None: it is not who it says it is, did not say so in time, or gave its place to another.
async fn admit(front: Arc<Front>, client: TcpStream, tls: Option<TlsAcceptor>, place: Place) -> Option<Box<Session>> {
    let admitting = async {
        let mut socket = open(client, tls).await?;
        let mut read = BytesMut::new();
        let admitted = handshake::admit(&front, &place, &mut socket, &mut read).await?;
        Some((socket, read, admitted))
    };
    let met = tokio::select! {
        biased;
        met = timeout(front.config.connect_timeout(), admitting) => met.ok().flatten(),
        // Counted where it was given away.
        () = place.displaced() => return None,
    };
    if met.is_none() {
        metrics::counter!("vigil_mqtt_not_admitted_total").increment(1);
    }
    let (socket, read, admitted) = met?;
    Some(Box::new(Session::new(front, socket, read, admitted)))
}
