use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::HashMap;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use vitals::DeviceName;

/// Commands that wait for one device; a device that takes them slower than they come loses the newest, counted.
const OUTBOX: usize = 64;

/// A message from the router on its way to one device.
#[derive(Clone, Debug)]
pub(super) struct Delivery {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
}

struct Entry {
    id: u64,
    kick: CancellationToken,
    gone: CancellationToken,
    outbox: mpsc::Sender<Delivery>,
}

/// Who is connected: one connection an identity.
pub(super) struct Registry {
    stop: CancellationToken,
    seats: Mutex<HashMap<DeviceName, Entry>>,
    next: AtomicU64,
}

/// The right to be the connection of an identity, given back when dropped.
pub(super) struct Seat {
    registry: Arc<Registry>,
    name: DeviceName,
    id: u64,
    gone: CancellationToken,
    /// Cancelled when another connection wants this seat, and when the front stops. One signal for both: looked at every
    /// read, it must be the connection's own.
    pub(super) kick: CancellationToken,
    pub(super) outbox: mpsc::Receiver<Delivery>,
}

impl Registry {
    pub(super) fn new(stop: CancellationToken) -> Self {
        Self { stop, seats: Mutex::default(), next: AtomicU64::default() }
    }

    /// Waits until the connection that has the identity is gone, and tells it to go.
    pub(super) async fn claim(self: &Arc<Self>, name: &DeviceName) -> Seat {
        loop {
            let gone = match self.sit_or_kick(name) {
                Ok(seat) => return seat,
                Err(gone) => gone,
            };
            gone.cancelled().await;
        }
    }

    fn sit_or_kick(self: &Arc<Self>, name: &DeviceName) -> Result<Seat, CancellationToken> {
        let mut seats = self.seats.lock();
        if let Some(entry) = seats.get(name) {
            entry.kick.cancel();
            return Err(entry.gone.clone());
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (kick, gone) = (self.stop.child_token(), CancellationToken::new());
        let (sender, outbox) = mpsc::channel(OUTBOX);
        let entry = Entry { id, kick: kick.clone(), gone: gone.clone(), outbox: sender };
        seats.insert(name.clone(), entry);
        Ok(Seat { registry: self.clone(), name: name.clone(), id, gone, kick, outbox })
    }

    /// False: nobody is connected under this name, or its outbox is full.
    pub(super) fn deliver(&self, name: &str, delivery: Delivery) -> bool {
        let Ok(name) = DeviceName::try_from(name) else { return false };
        self.seats.lock().get(&name).is_some_and(|entry| entry.outbox.try_send(delivery).is_ok())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.registry.seats.lock();
        if seats.get(&self.name).is_some_and(|entry| entry.id == self.id) {
            seats.remove(&self.name);
        }
        drop(seats);
        self.gone.cancel();
    }
}
