//! The way of a message from the socket to the writers: decode, assess, judge, show, submit. One call a socket read.

mod assess;
mod devices;
mod quarantine;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use keys::Keyring;
use vitals::wire::{self, RawFrame};
use vitals::{Clock, Device, Flags, Frame, OtherReading, Quarantined, Reason, Timestamp};

pub(crate) use devices::{DeviceState, Devices};
pub(crate) use quarantine::{conflicts, digest, seal};

use crate::window::{Budget, Window};
use crate::write::{Queue, Submission};
use crate::{Config, Outlets};
use assess::{Arrival, Verdict, assess};
use quarantine::Refusals;

/// What a topic of ours carries, without borrowing from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StreamKind {
    Vitals,
    Waves,
    Status,
}

/// A telemetry topic that a connection may publish to, looked up once and not a message.
pub(crate) struct Route {
    pub(crate) device: Arc<Device>,
    pub(crate) stream: StreamKind,
    pub(crate) topic: Bytes,
    state: Arc<DeviceState>,
}

/// One PUBLISH to a telemetry topic, permitted.
pub(crate) struct Publish {
    pub(crate) route: Arc<Route>,
    pub(crate) payload: Bytes,
    /// The MQTT 5 content type is absent or JSON.
    pub(crate) json: bool,
    /// None for QoS 0.
    pub(crate) pkid: Option<u16>,
}

/// Receive times that rise strictly on a node, so that the order of arrival is kept in the table.
#[derive(Debug)]
pub(crate) struct Arrivals {
    clock: Clock,
    last: AtomicI64,
}

impl Arrivals {
    /// The first of `count` moments, one a microsecond.
    fn stamp(&self, count: usize) -> Timestamp {
        let (now, count) = (self.clock.now().micros(), count.max(1) as i64);
        let before = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(now.max(last + 1) + count - 1))
            .expect("the update is never refused");
        Timestamp::from_micros(now.max(before + 1))
    }

    /// Not before what was stamped last, and nobody's own.
    fn now(&self) -> Timestamp {
        self.clock.now().max(Timestamp::from_micros(self.last.load(Ordering::Relaxed)))
    }

    /// Gives each frame from `first` on that is stored a moment of its own, in their order.
    fn spread(&self, frames: &mut [Frame], first: usize, unstored: &[usize]) {
        let kept = |place: &usize| unstored.binary_search(place).is_err();
        let count = (first..frames.len()).filter(kept).count();
        if count > 0 {
            let begin = self.stamp(count);
            for (number, place) in (first..frames.len()).filter(kept).enumerate() {
                frames[place].received_at = begin.plus_micros(number as i64);
            }
        }
    }
}

struct Shared {
    arrivals: Arrivals,
    devices: Arc<Devices>,
    queues: Vec<Arc<Queue>>,
    outlets: Outlets,
    budget: Arc<Budget>,
    config: Config,
    keyring: Keyring,
    /// Registered once: looking it up costs more than counting.
    received: metrics::Counter,
}

#[derive(Clone)]
pub(crate) struct Pipeline(Arc<Shared>);

/// A burst's part for one device: messages of one socket read that follow each other.
#[derive(Default)]
struct Burst {
    frames: Vec<Frame>,
    /// Places in `frames` of those that are judged and not stored.
    unstored: Vec<usize>,
    others: Vec<OtherReading>,
    quarantined: Vec<Quarantined>,
    statuses: Vec<(vitals::DeviceKey, Bytes, Timestamp)>,
    offset_us: i64,
    bytes: usize,
}

/// What a reading outside the list costs in memory: itself, and a block of the heap for its code and one for its unit.
/// Longer ones are longer in the payload too.
const OTHER_BYTES: usize = size_of::<OtherReading>() + 2 * 32;

impl Burst {
    /// What its items cost in memory: of small frames and readings several times their bytes on the wire.
    fn item_bytes(&self) -> usize {
        self.frames.len() * size_of::<Frame>()
            + self.others.len() * OTHER_BYTES
            + self.quarantined.len() * size_of::<Quarantined>()
            + self.statuses.len() * size_of::<(vitals::DeviceKey, Bytes, Timestamp)>()
    }
}

impl Pipeline {
    pub(crate) fn new(
        config: Config,
        clock: Clock,
        devices: Arc<Devices>,
        queues: Vec<Arc<Queue>>,
        outlets: Outlets,
        keyring: Keyring,
    ) -> Self {
        let arrivals = Arrivals { clock, last: AtomicI64::new(0) };
        let budget = Budget::new(config.held_bytes);
        let received = metrics::counter!("vigil_messages_received_total");
        Self(Arc::new(Shared { arrivals, devices, queues, outlets, budget, config, keyring, received }))
    }

    pub(crate) fn window(&self) -> Window {
        let config = &self.0.config;
        Window::new(config.window, config.window_bytes, self.0.budget.clone())
    }

    pub(crate) fn outlets(&self) -> &Outlets {
        &self.0.outlets
    }

    pub(crate) fn route(&self, device: Arc<Device>, stream: StreamKind, topic: Bytes) -> Arc<Route> {
        let state = self.0.devices.state(device.key);
        Arc::new(Route { device, stream, topic, state })
    }

    /// Takes every PUBLISH of one socket read. Runs of one device are judged, shown and submitted together, so that
    /// what is paid a burst (a lock, an allocation, a wake-up) is not paid a message.
    pub(crate) fn accept(&self, publishes: &mut Vec<Publish>, window: &mut Window) {
        self.0.received.increment(publishes.len() as u64);
        let messages = publishes.len();
        let mut publishes = publishes.drain(..).peekable();
        let mut raw = Vec::with_capacity(1);
        while let Some(first) = publishes.next() {
            let route = first.route.clone();
            let device = route.device.clone();
            let ticket = window.ticket();
            let mut burst = Burst { frames: Vec::with_capacity(messages), ..Burst::default() };
            let mut next = Some(first);
            while let Some(publish) = next {
                let (pkid, payload) = (publish.pkid, publish.payload.len());
                let (items, refused) = (burst.item_bytes(), burst.quarantined.len());
                self.take(publish, &mut raw, &mut burst);
                let kept: usize = burst.quarantined[refused..].iter().map(|entry| entry.payload.len()).sum();
                let bytes = payload.max(burst.item_bytes() - items + kept);
                burst.bytes += bytes;
                window.push(pkid, Some(ticket.clone()), bytes);
                next = publishes.next_if(|publish| publish.route.device.key == device.key);
            }
            if !burst.frames.is_empty() {
                (self.0.outlets.judge)(&burst.frames);
                (self.0.outlets.show)(&burst.frames, burst.offset_us);
            }
            let Burst { mut frames, unstored, others, quarantined, statuses, bytes, .. } = burst;
            if !unstored.is_empty() {
                let (mut place, mut unstored) = (0, unstored.into_iter().peekable());
                frames.retain(|_| {
                    let keep = unstored.next_if_eq(&place).is_none();
                    place += 1;
                    keep
                });
            }
            let held = self.0.budget.hold(bytes);
            self.queue(&device).push(Submission { device, frames, others, quarantined, statuses, ticket, held });
        }
    }

    fn queue(&self, device: &Device) -> &Arc<Queue> {
        // Keys are given out one after another: the remainder spreads them evenly.
        &self.0.queues[device.key.0.unsigned_abs() as usize % self.0.queues.len()]
    }

    fn take(&self, publish: Publish, raw: &mut Vec<RawFrame>, burst: &mut Burst) {
        let mut refusals = Refusals::default();
        let received_at = match (&publish.route.stream, publish.json) {
            (StreamKind::Vitals, true) => {
                raw.clear();
                match wire::decode(&publish.payload, raw) {
                    Ok(in_array) => self.assess_all(&publish, raw, in_array, burst, &mut refusals),
                    Err(why) => {
                        refusals.add(Reason::Malformed, None, why.0);
                        self.0.arrivals.stamp(1)
                    }
                }
            }
            (StreamKind::Status, _) => {
                let received_at = self.0.arrivals.stamp(1);
                burst.statuses.push((publish.route.device.key, publish.payload.clone(), received_at));
                received_at
            }
            (StreamKind::Vitals, false) => {
                refusals.add(Reason::Unsupported, None, "this version takes JSON only".to_owned());
                self.0.arrivals.stamp(1)
            }
            (StreamKind::Waves, _) => {
                refusals.add(Reason::Unsupported, None, "this version takes no waveforms".to_owned());
                self.0.arrivals.stamp(1)
            }
        };
        burst.quarantined.extend(refusals.into_entry(&publish, received_at, &self.0.keyring));
    }

    /// Answers the receive time of the message, which is its first frame's.
    fn assess_all(
        &self,
        publish: &Publish,
        raw: &mut Vec<RawFrame>,
        in_array: bool,
        burst: &mut Burst,
        refusals: &mut Refusals,
    ) -> Timestamp {
        // An array came at one moment. Only what is stored takes moments of its own, afterwards: a message of thousands that
        // are refused must not carry the time of arrival away from the clock.
        let received_at = if in_array { self.0.arrivals.now() } else { self.0.arrivals.stamp(1) };
        let before = burst.frames.len();
        let mut clock = publish.route.state.clock();
        for (index, mut raw) in raw.drain(..).enumerate() {
            let position = in_array.then_some(index);
            for fault in raw.faults.drain(..) {
                refusals.add(fault.reason, position, fault.detail);
            }
            let others = std::mem::take(&mut raw.others);
            let horizon_days = self.0.config.horizon_days;
            let arrival = Arrival { device: &publish.route.device, received_at, in_array, horizon_days };
            let (frame, stored) = match assess(raw, &mut clock, &arrival) {
                Verdict::Store(frame) => (frame, true),
                Verdict::JudgeOnly(frame, reason) => {
                    refusals.add(reason, position, "the time of the frame is not believable".to_owned());
                    (frame, false)
                }
                Verdict::Refuse(reason) => {
                    refusals.add(reason, position, "the frame has no usable time".to_owned());
                    continue;
                }
            };
            if stored && frame.flags.has(Flags::SIMULATED) && !others.is_empty() {
                // A narrow row has no flags: stored, it would pass for real.
                refusals.add(
                    Reason::Unsupported,
                    position,
                    "simulated readings outside the list of parameters".to_owned(),
                );
            } else if stored {
                let device = publish.route.device.key;
                burst.others.extend(others.into_iter().map(|(code, value, unit)| OtherReading {
                    device,
                    code,
                    at: frame.at,
                    value,
                    unit,
                }));
            }
            if !stored {
                burst.unstored.push(burst.frames.len());
            }
            burst.frames.push(frame);
        }
        burst.offset_us = clock.offset_us(received_at).unwrap_or(0);
        if in_array {
            let Burst { frames, unstored, .. } = burst;
            self.0.arrivals.spread(frames, before, unstored);
        }
        received_at
    }
}

#[cfg(test)]
mod tests;
