use std::sync::Arc;

use ahash::HashSet;
use vitals::DeviceKey;

use super::Front;

/// Whom a connection speaks for: its own device, and those that a gateway has spoken for. Says that they are there, and
/// when it is dropped that they are gone.
pub(super) struct Presence {
    front: Arc<Front>,
    own: DeviceKey,
    last: DeviceKey,
    /// Empty for all but gateways.
    others: HashSet<DeviceKey>,
    pub(super) held: bool,
}

impl Presence {
    pub(super) fn new(front: Arc<Front>, key: DeviceKey) -> Self {
        metrics::gauge!("vigil_mqtt_connections").increment(1.0);
        (front.pipeline.outlets().presence)(key, true, front.clock.now());
        Self { front, own: key, last: key, others: HashSet::default(), held: false }
    }

    fn keys(&self) -> impl Iterator<Item = DeviceKey> {
        std::iter::once(self.own).chain(self.others.iter().copied())
    }

    pub(super) fn speaks_for(&mut self, key: DeviceKey) {
        if key == self.last {
            return;
        }
        self.last = key;
        if key != self.own && self.others.insert(key) {
            (self.front.pipeline.outlets().presence)(key, true, self.front.clock.now());
        }
    }

    /// We stopped or resumed reading. Ends with the connection, whatever it was.
    pub(super) fn hold(&mut self, held: bool) {
        if std::mem::replace(&mut self.held, held) == held {
            return;
        }
        let now = self.front.clock.now();
        for key in self.keys() {
            (self.front.pipeline.outlets().held)(key, held, now);
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.hold(false);
        let now = self.front.clock.now();
        for key in self.keys() {
            (self.front.pipeline.outlets().presence)(key, false, now);
        }
        metrics::gauge!("vigil_mqtt_connections").decrement(1.0);
    }
}
