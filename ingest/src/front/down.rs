//! The one router link of the process. rumqttd's router is the bus for commands: whatever a service publishes to
//! `vigil/v1/{device}/down/…` goes in here and comes out for the device that it names.
//!
//! Rules that keep the router alive (it is one thread, and has no guard of its own): links at QoS 0, a clean session,
//! no topic alias, no `$share`, topics checked before they come here, no retain, `Unschedule` always answered, and
//! never a word for a link that it has removed — so one thread alone says `ready` and, at the very end, goodbye.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use rumqttd::local::{LinkBuilder, LinkError, LinkRx, LinkTx};
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Packet};
use rumqttd::{Forward, Notification, Router, RouterConfig};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Error;
use super::acl::command_target;
use super::delivery::Delivery;
use super::registry::Registry;

/// Commands on their way into the router. Full means the publisher is told to come again.
const QUEUE: usize = 256;
/// How often the receiving thread looks whether it should end.
const LOOK: Duration = Duration::from_millis(250);
/// How often the router is asked whether it still forwards: by a letter to nobody, on the same link as all others.
const BEAT: Duration = Duration::from_secs(1);
/// Looks without a word from the router after which it is taken for dead: five beats. Looks and not time, because a
/// process that was frozen has heard nothing either.
const SILENT_LOOKS: u32 = 20;
/// No letter: whoever opens it finds nobody to give it to.
const BEAT_LETTER: Bytes = Bytes::from_static(b"beat");
/// The one topic of the router: it remembers each one for ever, and services name as many as they like.
pub(super) const EVERY_COMMAND: &str = "down";

/// Into the router, sealed.
pub(super) struct Downlink(mpsc::Sender<Bytes>);

impl Downlink {
    /// False: the queue is full, or the router is gone.
    pub(super) fn publish(&self, command: &Delivery) -> bool {
        self.0.try_send(command.seal()).is_ok()
    }
}

/// Blocks until the router answers. The thread ends once the `Downlink` is dropped. `broken` is cancelled when the router
/// is gone: nothing brings it back but another process.
pub(super) fn start(
    registry: Arc<Registry>,
    runtime: Handle,
    broken: CancellationToken,
) -> Result<(Downlink, JoinHandle<()>), Error> {
    let (down, link) = link(LinkBuilder::new("vigil:front", router().spawn()), registry, runtime, broken)?;
    let queue = down.0.downgrade();
    thread::Builder::new().name("down-beat".to_owned()).spawn(move || beat(&queue))?;
    Ok((down, link))
}

/// Ends with the queue. A queue that is full needs no beat: its commands are one.
fn beat(queue: &mpsc::WeakSender<Bytes>) {
    while let Some(queue) = queue.upgrade() {
        if let Err(mpsc::error::TrySendError::Closed(_)) = queue.try_send(BEAT_LETTER) {
            return;
        }
        drop(queue);
        thread::sleep(BEAT);
    }
}

pub(super) fn router() -> Router {
    let config = RouterConfig {
        max_connections: 4,
        max_outgoing_packet_count: 200,
        // Commands are small and taken at once: 4 MiB of them may wait for the receiving thread.
        max_segment_size: 1024 * 1024,
        max_segment_count: 4,
        ..RouterConfig::default()
    };
    Router::new(0, config)
}

fn link(
    link: LinkBuilder<'_>,
    registry: Arc<Registry>,
    runtime: Handle,
    broken: CancellationToken,
) -> Result<(Downlink, JoinHandle<()>), Error> {
    let (mut tx, rx, _) =
        link.clean_session(true).dynamic_filters(false).topic_alias_max(0).build().map_err(Box::new)?;
    tx.subscribe(EVERY_COMMAND).map_err(Box::new)?;
    let (queue, commands) = mpsc::channel(QUEUE);
    let over = Arc::new(AtomicBool::new(false));
    let receive = {
        let (over, broken) = (over.clone(), broken.clone());
        thread::Builder::new().name("down-receive".to_owned()).spawn(move || receive(rx, &registry, &over, &broken))?
    };
    let send = thread::Builder::new().name("down-send".to_owned()).spawn(move || {
        let mut tx = send(tx, commands, &broken);
        over.store(true, Ordering::SeqCst);
        // Only now: `ready` for a link that has said goodbye would be the router's end.
        if receive.join().is_err() {
            tracing::error!("the receiving thread of the router link panicked");
        }
        let goodbye = Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection };
        if runtime.block_on(tx.send(Packet::Disconnect(goodbye, None))).is_err() {
            tracing::debug!("the router was gone before its link");
        }
    })?;
    Ok((Downlink(queue), send))
}

fn send(mut tx: LinkTx, mut commands: mpsc::Receiver<Bytes>, broken: &CancellationToken) -> LinkTx {
    while let Some(letter) = commands.blocking_recv() {
        if let Err(error) = tx.publish(EVERY_COMMAND, letter) {
            tracing::error!(%error, "the router is gone: commands are refused from now on");
            broken.cancel();
            break;
        }
    }
    tx
}

fn receive(mut rx: LinkRx, registry: &Registry, over: &AtomicBool, broken: &CancellationToken) {
    // However it ends before it should, by a panic too.
    let gone = broken.clone().drop_guard();
    // Offsets of a filter's log follow each other: a gap is what the router threw away.
    let mut next_offset = None;
    let mut silent_looks = 0;
    while !over.load(Ordering::SeqCst) {
        let deadline = Instant::now() + LOOK;
        match rx.recv_deadline(deadline) {
            Ok(Some(Notification::Forward(Forward { cursor, publish, .. }))) => {
                silent_looks = 0;
                if let Some((_, offset)) = cursor {
                    let lost = next_offset.map_or(0, |next| offset.saturating_sub(next));
                    metrics::counter!("vigil_mqtt_commands_lost_total").increment(lost);
                    next_offset = Some(offset + 1);
                }
                dispatch(registry, &publish.payload);
            }
            Ok(Some(Notification::Unschedule)) => {
                if let Err(error) = rx.ready() {
                    tracing::error!(%error, "the router is gone: commands reach no device");
                    return;
                }
            }
            Ok(_) => {}
            // flume says with one error that time is up and that the router is gone.
            Err(LinkError::RecvTimeout(_)) if Instant::now() >= deadline => {
                silent_looks += 1;
                if silent_looks > SILENT_LOOKS {
                    tracing::error!("the router forwards nothing: commands reach no device");
                    return;
                }
            }
            Err(error) => {
                tracing::error!(%error, "the router is gone: commands reach no device");
                return;
            }
        }
    }
    gone.disarm();
}

fn dispatch(registry: &Registry, letter: &Bytes) {
    let Some(command) = Delivery::open(letter, Instant::now().into()) else { return };
    let Some(device) = std::str::from_utf8(&command.topic).ok().and_then(command_target).map(str::to_owned) else {
        return;
    };
    if !registry.deliver(&device, command) {
        metrics::counter!("vigil_mqtt_commands_undelivered_total").increment(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing waits for it when all is well.
    const PATIENCE: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_router_that_dies_is_told() {
        let (broken, sender) = (CancellationToken::new(), router().spawn());
        let registry = Arc::new(Registry::new(CancellationToken::new()));
        let (down, thread) =
            link(LinkBuilder::new("vigil:front", sender.clone()), registry, Handle::current(), broken.clone()).unwrap();
        assert!(down.publish(&Delivery {
            topic: Bytes::from_static(b"vigil/v1/bed-1/down/limits"),
            payload: Bytes::from_static(b"{}"),
            qos: 1,
            properties: Bytes::new(),
            expiry: None,
            since: tokio::time::Instant::now(),
        }));
        // A word for a link that it has removed is what the router dies of.
        let (mut tx, rx, _) = LinkBuilder::new("stranger", sender).build().unwrap();
        let goodbye = Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection };
        tx.send(Packet::Disconnect(goodbye, None)).await.unwrap();
        while rx.ready().is_ok() {
            tokio::task::yield_now().await;
        }
        tokio::time::timeout(PATIENCE, broken.cancelled()).await.expect("the end of the router is told");
        drop(down);
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_router_that_hangs_is_told() {
        let broken = CancellationToken::new();
        let registry = Arc::new(Registry::new(CancellationToken::new()));
        // Without its beat the router says nothing, as one that hangs.
        let link = link(LinkBuilder::new("vigil:front", router().spawn()), registry, Handle::current(), broken.clone());
        let (down, thread) = link.unwrap();
        tokio::time::timeout(PATIENCE, broken.cancelled()).await.expect("its silence is told");
        drop(down);
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_router_that_forwards_its_beat_is_left_alone() {
        let broken = CancellationToken::new();
        let registry = Arc::new(Registry::new(CancellationToken::new()));
        let (down, thread) = start(registry, Handle::current(), broken.clone()).unwrap();
        let longer = (SILENT_LOOKS + 4) * LOOK;
        assert!(tokio::time::timeout(longer, broken.cancelled()).await.is_err(), "it beats");
        drop(down);
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_link_that_ends_in_order_breaks_nothing() {
        let broken = CancellationToken::new();
        let registry = Arc::new(Registry::new(CancellationToken::new()));
        let (down, thread) = start(registry, Handle::current(), broken.clone()).unwrap();
        drop(down);
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
        assert!(!broken.is_cancelled());
    }
}
