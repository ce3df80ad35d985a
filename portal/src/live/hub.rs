use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::RwLock;
use store::roster::Roster;
use tokio::sync::watch;
use vitals::{Clock, DeviceKey, DeviceKind, Frame, Timestamp, Transition, What};

use super::log::Log;
use super::protocol::{Step, Token};
use super::slot::Slot;
use crate::alarms::{self, Alarm, Facts};
use crate::devices::Device;

/// The latest of every device and the order of alarms, for all screens. Cheap to clone; no method waits.
#[derive(Clone)]
pub struct Hub(Arc<Inner>);

struct Inner {
    clock: Clock,
    roster: watch::Receiver<Arc<Roster>>,
    /// Grows by one slot a device, at its first frame or presence.
    slots: RwLock<AHashMap<DeviceKey, Arc<Slot>>>,
    log: Log,
}

impl Hub {
    /// `active`: the latest transition of each alarm that is active. `epoch`: the run of the engine that will speak.
    pub fn new(clock: Clock, roster: watch::Receiver<Arc<Roster>>, active: &[Transition], epoch: i64) -> Self {
        let log = Log::new(Token { epoch, seq: 0 });
        let hub = Self(Arc::new(Inner { clock, roster, slots: RwLock::default(), log }));
        hub.seed(active, (epoch, 0));
        hub
    }

    /// For a hub that had to exist before the engine: what was active when it started, and its position then.
    pub fn seed(&self, active: &[Transition], (epoch, seq): (i64, i64)) {
        let alarms = active.iter().map(|transition| self.alarm(transition, None)).collect();
        self.0.log.seed(Token { epoch, seq }, alarms);
    }

    /// Frames of any device in receive order, before they are stored. `offset_us` brings their time to ours.
    pub fn show(&self, frames: &[Frame], offset_us: i64) {
        for burst in frames.chunk_by(|left, right| left.device == right.device) {
            let slot = self.slot(burst[0].device);
            for frame in burst {
                slot.show(frame, offset_us);
            }
        }
    }

    /// A connection that speaks for the device came or went.
    pub fn presence(&self, device: DeviceKey, connected: bool, _at: Timestamp) {
        self.slot(device).presence(connected);
    }

    /// Transitions in the order of (epoch, seq); one not after the last is known and passed over.
    pub fn transition(&self, transition: &Transition) {
        self.0.log.append(|active| {
            let known = active.get(&transition.alarm).map(|alarm| alarm.raised_at);
            let Transition { epoch, seq, what, at, .. } = *transition;
            Step { epoch, seq, what, at, alarm: self.alarm(transition, known) }
        });
    }

    fn alarm(&self, transition: &Transition, known_raised_at: Option<Timestamp>) -> Alarm {
        let roster = self.0.roster.borrow();
        let raised_at = match transition.what {
            What::Raised => transition.at,
            What::Updated | What::Cleared => {
                known_raised_at.unwrap_or_else(|| alarms::raised_at(&transition.rule, transition.onset_at))
            }
        };
        Alarm::from(Facts {
            id: transition.alarm,
            key: transition.device,
            device: transition.device.and_then(|key| roster.by_key(key)).map(Arc::as_ref),
            rule: &transition.rule,
            value: transition.value,
            onset_at: transition.onset_at,
            raised_at,
            ended_at: (transition.what == What::Cleared).then_some(transition.at),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub(crate) fn log(&self) -> &Log {
        &self.0.log
    }

    pub(crate) fn roster(&self) -> watch::Receiver<Arc<Roster>> {
        self.0.roster.clone()
    }

    pub(crate) fn slot(&self, device: DeviceKey) -> Arc<Slot> {
        if let Some(slot) = self.0.slots.read().get(&device) {
            return slot.clone();
        }
        self.0.slots.write().entry(device).or_default().clone()
    }

    /// Everything enrolled and not revoked, by name; for screens only what can have numbers.
    pub(crate) fn devices(&self, numbers_only: bool) -> Vec<(DeviceKey, Device)> {
        let roster = self.0.roster.borrow().clone();
        let wanted =
            roster.iter().filter(|device| !device.revoked && (!numbers_only || device.kind == DeviceKind::Device));
        let mut devices: Vec<_> = wanted.map(|device| (device.key, self.device(device))).collect();
        devices.sort_by(|(_, left), (_, right)| left.id.cmp(&right.id));
        devices
    }

    fn device(&self, device: &vitals::Device) -> Device {
        let state = self.slot(device.key).read().1;
        Device {
            id: device.name.clone(),
            kind: device.kind,
            profile: device.profile,
            age_class: device.age_class,
            realm: device.realm,
            connected: state.connected(),
            last_received_at: state.received_at,
            enrolled_at: device.enrolled_at,
        }
    }
}
