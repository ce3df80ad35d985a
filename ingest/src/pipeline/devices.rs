//! What ingest remembers of each device while it runs: its clock.

use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::{Mutex, MutexGuard, RwLock};
use vitals::{ClockOffset, DeviceKey, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct DeviceState {
    clock: Mutex<ClockOffset>,
}

impl DeviceState {
    /// Held for the frames of one message. Contended only while one device has two connections.
    pub(crate) fn clock(&self) -> MutexGuard<'_, ClockOffset> {
        self.clock.lock()
    }
}

/// Bounded by the number of enrolled devices: only permitted publishes come here.
#[derive(Debug, Default)]
pub(crate) struct Devices(RwLock<AHashMap<DeviceKey, Arc<DeviceState>>>);

impl Devices {
    pub(crate) fn state(&self, key: DeviceKey) -> Arc<DeviceState> {
        if let Some(state) = self.0.read().get(&key) {
            return state.clone();
        }
        self.0.write().entry(key).or_default().clone()
    }

    pub(crate) fn remember(&self, key: DeviceKey, offset_us: i64, now: Timestamp) {
        *self.state(key).clock() = ClockOffset::remembered(offset_us, now);
    }

    /// (device, offset in µs) of every device heard in the last ten minutes.
    pub(crate) fn offsets(&self, now: Timestamp) -> Vec<(DeviceKey, i64)> {
        let known: Vec<_> = self.0.read().iter().map(|(key, state)| (*key, state.clone())).collect();
        known.into_iter().filter_map(|(key, state)| Some((key, state.clock().offset_us(now)?))).collect()
    }
}
