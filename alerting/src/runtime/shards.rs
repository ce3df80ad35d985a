use std::collections::hash_map::Entry;

use ahash::AHashMap;
use parking_lot::{Mutex, MutexGuard};
use vitals::{DeviceKey, Frame, Timestamp};

use super::Outbox;
use crate::engine::{DeviceWatch, Signal};
use crate::profiles::Profiles;
use store::roster::Roster;

/// Locks, so that connections judge side by side. Keys are given out one after another: the remainder spreads them evenly.
const SHARDS: usize = 64;

type Shard = AHashMap<DeviceKey, DeviceWatch>;

/// Every device's watch. Bounded by the number of enrolled devices.
#[derive(Debug)]
pub(super) struct Shards(Box<[Mutex<Shard>]>);

impl Shards {
    pub(super) fn new() -> Self {
        Self((0..SHARDS).map(|_| Mutex::default()).collect())
    }

    fn shard(&self, device: DeviceKey) -> MutexGuard<'_, Shard> {
        self.0[device.0.unsigned_abs() as usize % SHARDS].lock()
    }

    /// `meet` makes the watch of a device that was never heard, unless it is revoked. The signals leave under the shard's lock, so that two
    /// threads cannot swap those of one device.
    pub(super) fn judge(&self, frames: &[Frame], outbox: &Outbox, meet: impl Fn(DeviceKey) -> Option<DeviceWatch>) {
        for run in frames.chunk_by(|left, right| left.device == right.device) {
            let device = run[0].device;
            let mut shard = self.shard(device);
            let Some(watch) = met(&mut shard, device, || meet(device)) else { continue };
            let mut out = Vec::new();
            run.iter().for_each(|frame| watch.frame(frame, &mut out));
            outbox.send(out);
        }
    }

    /// Does something with one device's watch, made by `meet` where there is none. None: it is revoked.
    pub(super) fn with<T>(
        &self,
        device: DeviceKey,
        meet: impl FnOnce() -> Option<DeviceWatch>,
        outbox: &Outbox,
        act: impl FnOnce(&mut DeviceWatch, &mut Vec<Signal>) -> T,
    ) -> Option<T> {
        let mut shard = self.shard(device);
        let mut out = Vec::new();
        let done = act(met(&mut shard, device, meet)?, &mut out);
        outbox.send(out);
        Some(done)
    }

    pub(super) fn each(&self, outbox: &Outbox, act: impl Fn(&mut DeviceWatch, &mut Vec<Signal>)) {
        for shard in &self.0 {
            let mut shard = shard.lock();
            let mut out = Vec::new();
            shard.values_mut().for_each(|watch| act(watch, &mut out));
            outbox.send(out);
        }
    }

    /// Follows the roster: another age class brings other rules, a revoked device is watched no more.
    pub(super) fn follow(&self, roster: &Roster, profiles: &Profiles, at: Timestamp, outbox: &Outbox) {
        for shard in &self.0 {
            let mut shard = shard.lock();
            let mut out = Vec::new();
            shard.retain(|key, watch| {
                let device = roster.by_key(*key);
                if device.is_some_and(|device| device.revoked) {
                    watch.retire(at, &mut out);
                    return false;
                }
                let rules = profiles.of(device);
                if !std::sync::Arc::ptr_eq(rules, watch.rules()) {
                    watch.swap(rules.clone(), at, &mut out);
                }
                true
            });
            outbox.send(out);
        }
    }
}

fn met(shard: &mut Shard, device: DeviceKey, meet: impl FnOnce() -> Option<DeviceWatch>) -> Option<&mut DeviceWatch> {
    match shard.entry(device) {
        Entry::Occupied(watch) => Some(watch.into_mut()),
        Entry::Vacant(place) => meet().map(|watch| place.insert(watch)),
    }
}
