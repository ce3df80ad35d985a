//! The last status of every device: what MQTT calls retained, in memory. The writers keep it in `device_statuses`.

use std::collections::BTreeMap;

use ahash::HashMap;
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::watch;
use vitals::{DeviceName, Stream, Topic};

/// A status beyond this is no status; it is stored, and not shown to subscribers. Bounds the map: one an enrolled device.
const MAX_STATUS: usize = 4 * 1024;

struct Entry {
    version: u64,
    payload: Bytes,
    /// At which it was published: nobody gets it at a higher one.
    qos: u8,
}

#[derive(Default)]
struct Kept {
    version: u64,
    by_name: HashMap<DeviceName, Entry>,
    /// Version to name, one entry a name: a subscriber reads on from the version it has seen, and only the latest is there.
    order: BTreeMap<u64, DeviceName>,
}

pub(super) struct Board {
    kept: Mutex<Kept>,
    news: watch::Sender<u64>,
}

pub(super) struct Status {
    pub(super) version: u64,
    pub(super) topic: String,
    pub(super) payload: Bytes,
    pub(super) qos: u8,
}

impl Board {
    pub(super) fn new() -> Self {
        Self { kept: Mutex::default(), news: watch::Sender::new(0) }
    }

    /// An empty payload is news like any other, and then nothing is kept any more.
    pub(super) fn put(&self, name: &DeviceName, payload: &[u8], qos: u8) {
        if payload.len() > MAX_STATUS {
            return;
        }
        let mut kept = self.kept.lock();
        if let Some(before) = kept.by_name.remove(name) {
            kept.order.remove(&before.version);
        }
        kept.version += 1;
        let version = kept.version;
        // A copy: a slice would keep the whole read buffer alive.
        let payload = Bytes::copy_from_slice(payload);
        kept.by_name.insert(name.clone(), Entry { version, payload, qos });
        kept.order.insert(version, name.clone());
        drop(kept);
        self.news.send_replace(version);
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    pub(super) fn version(&self) -> u64 {
        self.kept.lock().version
    }

    /// The first status after `seen` of this device, or of any.
    pub(super) fn after(&self, seen: u64, only: Option<&DeviceName>) -> Option<Status> {
        let kept = self.kept.lock();
        let (version, name) = match only {
            Some(name) => (kept.by_name.get(name).map(|entry| entry.version).filter(|&at| at > seen)?, name),
            None => kept.order.range(seen + 1..).next().map(|(version, name)| (*version, name))?,
        };
        let Entry { payload, qos, .. } = kept.by_name.get(name)?;
        let topic = Topic { gateway: None, device: name.as_str(), stream: Stream::Status }.to_string();
        Some(Status { version, topic, payload: payload.clone(), qos: *qos })
    }
}
