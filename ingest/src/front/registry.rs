use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ahash::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;
use vitals::DeviceName;

use super::codes::Code;
use super::delivery::Delivery;
use super::flapping::Flapping;

/// Commands that wait for one device; a device that takes them slower than they come loses the newest, counted.
const OUTBOX: usize = 64;

/// What others say to one connection. Ten thousand connections wait here, so it holds nothing that is not said.
#[derive(Default)]
struct Line {
    /// Another connection wants the seat, or the front stops.
    kicked: AtomicBool,
    outbox: Mutex<VecDeque<Delivery>>,
    /// Something was said; its connection is the only one that waits for it.
    said: Notify,
    gone: AtomicBool,
    left: Notify,
}

impl Line {
    fn kick(&self) {
        self.kicked.store(true, Ordering::Release);
        self.said.notify_one();
    }

    /// Ready once the connection has given its seat back.
    async fn is_left(&self) {
        let left = self.left.notified();
        tokio::pin!(left);
        left.as_mut().enable();
        if !self.gone.load(Ordering::Acquire) {
            left.await;
        }
    }
}

/// Who is connected: one connection an identity.
pub(super) struct Registry {
    stop: CancellationToken,
    seats: Mutex<HashMap<DeviceName, Arc<Line>>>,
    flapping: Flapping,
}

/// A seat, and whether its identity is taken over again and again.
pub(super) struct Claimed {
    pub(super) seat: Seat,
    pub(super) flapping: bool,
}

/// The right to be the connection of an identity, given back when dropped.
pub(super) struct Seat {
    registry: Arc<Registry>,
    name: DeviceName,
    line: Arc<Line>,
}

impl Registry {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { stop, seats: Mutex::default(), flapping: Flapping::default() }
    }

    /// Tells the connection that has the identity to go, and waits up to `patience` until it is gone. Where that happens
    /// again and again, whoever comes waits longer each time, one at a time.
    pub(super) async fn claim(self: &Arc<Self>, name: &DeviceName, patience: Duration) -> Result<Claimed, Code> {
        let mut flapping = false;
        if let Some(taken) = self.taken(name) {
            let takeover = self.flapping.takeover(name, Instant::now()).ok_or(Code::RateExceeded)?;
            flapping = takeover.slowed();
            // Whoever has it goes on meanwhile, or goes by itself.
            drop(timeout(takeover.wait(), taken.is_left()).await);
        }
        let sitting = async {
            loop {
                match self.sit_or_kick(name) {
                    Ok(seat) => return seat,
                    Err(taken) => taken.is_left().await,
                }
            }
        };
        let seat = timeout(patience, sitting).await.map_err(|_| Code::Unavailable)?;
        Ok(Claimed { seat, flapping })
    }

    fn taken(&self, name: &DeviceName) -> Option<Arc<Line>> {
        self.seats.lock().get(name).cloned()
    }

    fn sit_or_kick(self: &Arc<Self>, name: &DeviceName) -> Result<Seat, Arc<Line>> {
        let mut seats = self.seats.lock();
        if let Some(line) = seats.get(name) {
            line.kick();
            return Err(line.clone());
        }
        let line = Arc::new(Line::default());
        seats.insert(name.clone(), line.clone());
        drop(seats);
        // Who sits down after everybody was told to go must be told as well.
        if self.stop.is_cancelled() {
            line.kick();
        }
        Ok(Seat { registry: self.clone(), name: name.clone(), line })
    }

    /// Tells every connection to go; `stop` is cancelled before.
    pub(super) fn kick_all(&self) {
        self.seats.lock().values().for_each(|line| line.kick());
    }

    /// False: nobody is connected under this name, or its outbox is full.
    pub(super) fn deliver(&self, name: &str, delivery: Delivery) -> bool {
        let Ok(name) = DeviceName::try_from(name) else { return false };
        let Some(line) = self.seats.lock().get(&name).cloned() else { return false };
        let mut outbox = line.outbox.lock();
        if outbox.len() >= OUTBOX {
            return false;
        }
        outbox.push_back(delivery);
        drop(outbox);
        line.said.notify_one();
        true
    }
}

impl Seat {
    /// Ready once something was said since the last time; `kicked` and `command` tell what.
    pub(super) async fn news(&self) {
        self.line.said.notified().await;
    }

    /// Another connection wants this seat, or the front stops.
    pub(super) fn kicked(&self) -> bool {
        self.line.kicked.load(Ordering::Acquire)
    }

    pub(super) fn command(&self) -> Option<Delivery> {
        let mut outbox = self.line.outbox.lock();
        let first = outbox.pop_front();
        if outbox.is_empty() {
            // Not even the room for it stays with a device that is told nothing.
            *outbox = VecDeque::new();
        }
        first
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.registry.seats.lock();
        if seats.get(&self.name).is_some_and(|line| Arc::ptr_eq(line, &self.line)) {
            seats.remove(&self.name);
        }
        drop(seats);
        self.line.gone.store(true, Ordering::Release);
        self.line.left.notify_waiters();
    }
}
