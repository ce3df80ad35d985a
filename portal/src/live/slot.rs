use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use vitals::{Flags, Frame, Parameter, Timestamp, Validity};

use super::protocol::{Latest, LiveNumber};

/// A reading older than the one shown replaces it only once that one has been shown for this long, in µs: a redelivered
/// burst does not make a number jump back, and a clock that stepped back does not freeze it past "late" (3 s).
const HOLD_US: i64 = 3_000_000;

/// What is known of one device now. Written in the connection's task for every burst, read by every screen that
/// watches, so the lock is held for one frame or one copy and never across anything that waits.
#[derive(Default)]
pub(crate) struct Slot {
    /// Rises with every change of `state`; lets a reader pass by without the lock.
    version: AtomicU64,
    state: Mutex<State>,
}

#[derive(Clone, Copy, Default)]
pub(crate) struct State {
    /// Connections that speak for it: its own, or one gateway's and another's.
    connections: u16,
    pub(crate) received_at: Option<Timestamp>,
    offset_us: i64,
    readings: [Option<Reading>; Parameter::COUNT],
}

#[derive(Clone, Copy)]
struct Reading {
    value: Option<f32>,
    mark: Option<Validity>,
    at: Timestamp,
    /// `at` by our clock, with the offset that was known then.
    event_at: Timestamp,
    received_at: Timestamp,
}

impl Slot {
    pub(crate) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// The state and the version it has.
    pub(crate) fn read(&self) -> (u64, State) {
        let state = self.state.lock();
        (self.version(), *state)
    }

    pub(crate) fn show(&self, frame: &Frame, offset_us: i64) {
        let mut state = self.state.lock();
        state.received_at = state.received_at.max(Some(frame.received_at));
        if frame.flags.has(Flags::LIVE) && !frame.flags.has(Flags::SIMULATED) {
            // A frame without a time of its own was timed by our clock.
            state.offset_us = if frame.flags.has(Flags::NO_TIME) { state.offset_us } else { offset_us };
            let corrected = if frame.flags.has(Flags::NO_TIME) { 0 } else { offset_us };
            state.take(frame, frame.at.plus_micros(corrected));
        }
        self.version.fetch_add(1, Ordering::Release);
    }

    pub(crate) fn presence(&self, connected: bool) {
        let mut state = self.state.lock();
        state.connections = match connected {
            true => state.connections.saturating_add(1),
            false => state.connections.saturating_sub(1),
        };
        self.version.fetch_add(1, Ordering::Release);
    }
}

impl State {
    pub(crate) const fn connected(&self) -> bool {
        self.connections > 0
    }

    fn take(&mut self, frame: &Frame, event_at: Timestamp) {
        for &parameter in Parameter::ALL {
            let (value, mark) = (frame.values.get(parameter), frame.mark(parameter));
            if value.is_none() && mark.is_none() {
                continue;
            }
            let kept = &mut self.readings[parameter.index()];
            let older = kept.is_some_and(|kept| {
                event_at < kept.event_at && frame.received_at.micros_since(kept.received_at) < HOLD_US
            });
            if !older {
                let value = value.filter(|_| mark.is_none_or(worth_showing));
                *kept = Some(Reading { value, mark, at: frame.at, event_at, received_at: frame.received_at });
            }
        }
    }

    /// None until anything was shown that was measured `since`, by our clock: a device's own may be an hour off.
    pub(crate) fn latest(
        &self,
        device: &vitals::DeviceName,
        since: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Latest> {
        let readings =
            self.readings.map(|reading| reading.filter(|reading| since.is_none_or(|since| reading.event_at >= since)));
        let received_at = readings.iter().flatten().map(|reading| reading.received_at).max()?;
        let number = |reading: &Reading| LiveNumber {
            value: reading.value,
            mark: reading.mark.map(Validity::key),
            at_ms: reading.at.millis(),
            received_at_ms: reading.received_at.millis(),
            age_ms: now.millis_since(reading.received_at).max(now.millis_since(reading.event_at)).max(0),
        };
        let values = Parameter::ALL.iter().zip(&readings);
        Some(Latest {
            device: device.clone(),
            received_at_ms: received_at.millis(),
            offset_ms: self.offset_us.div_euclid(1_000),
            values: values.filter_map(|(&key, reading)| Some((key, number(reading.as_ref()?)))).collect(),
        })
    }
}

/// Whether a number so marked says anything about the patient.
const fn worth_showing(mark: Validity) -> bool {
    match mark {
        Validity::Validated | Validity::Ongoing | Validity::Early | Validity::Questionable => true,
        // Shown with its mark: a person tells an artifact from a collapse, a range does not.
        Validity::Artifact | Validity::Implausible | Validity::Unknown => true,
        Validity::Calibrating | Validity::Invalid | Validity::NotAvailable => false,
        Validity::Overflow | Validity::Underflow | Validity::LeadOff | Validity::Unplugged => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitals::{DeviceKey, Values};

    const T: Timestamp = Timestamp::from_millis(1_795_428_000_000);

    fn frame(at_ms: i64, received_ms: i64, hr: f32) -> Frame {
        let mut values = Values::default();
        values.set(Parameter::Hr, hr);
        let (at, received_at) = (T.plus_millis(at_ms), T.plus_millis(received_ms));
        Frame { device: DeviceKey(1), at, received_at, seq: None, flags: Flags::LIVE, values, marks: Vec::new() }
    }

    fn hr(slot: &Slot, now_ms: i64) -> LiveNumber {
        let name = "bed-01".try_into().unwrap();
        slot.read().1.latest(&name, None, T.plus_millis(now_ms)).unwrap().values[&Parameter::Hr].clone()
    }

    #[test]
    fn age_is_the_longer_of_receipt_and_corrected_event() {
        let slot = Slot::default();
        slot.show(&frame(-9_000, 0, 72.0), 0);
        assert_eq!(hr(&slot, 500).age_ms, 9_500);
        // The same delay from a device whose clock is known to be 9 s behind.
        slot.show(&frame(-8_000, 1_000, 73.0), 9_000_000);
        assert_eq!(hr(&slot, 1_500).age_ms, 500);
    }

    /// Whoever wears it now shows from the first frame on, and nothing of who wore it before.
    #[test]
    fn since_when_it_is_worn_is_asked_by_our_clock() {
        for behind_ms in [3_600_000, -90_000, 0] {
            let (slot, name) = (Slot::default(), "bed-01".try_into().unwrap());
            let since = Some(T.plus_millis(10_000));
            slot.show(&frame(9_000 - behind_ms, 9_000, 71.0), behind_ms * 1_000);
            assert!(slot.read().1.latest(&name, since, T.plus_millis(10_500)).is_none(), "{behind_ms}");
            slot.show(&frame(11_000 - behind_ms, 11_000, 72.0), behind_ms * 1_000);
            let latest = slot.read().1.latest(&name, since, T.plus_millis(11_500)).unwrap();
            assert_eq!(latest.values[&Parameter::Hr].value, Some(72.0), "{behind_ms}");
        }
    }

    #[test]
    fn a_late_frame_does_not_hide_a_newer_one_and_a_stepped_clock_does_not_freeze_it() {
        let slot = Slot::default();
        slot.show(&frame(0, 0, 72.0), 0);
        slot.show(&frame(-2_000, 100, 60.0), 0);
        assert_eq!(hr(&slot, 100).value, Some(72.0));
        slot.show(&frame(-9_000, 3_100, 61.0), 0);
        assert_eq!(hr(&slot, 3_100).value, Some(61.0));
    }

    #[test]
    fn back_fill_and_simulated_frames_are_not_shown() {
        let slot = Slot::default();
        let now = frame(0, 0, 72.0);
        slot.show(&Frame { flags: Flags::HIST, ..now.clone() }, 0);
        slot.show(&Frame { flags: Flags::LIVE.with(Flags::SIMULATED), ..now }, 0);
        let (version, state) = slot.read();
        assert_eq!(version, 2);
        assert!(state.latest(&"bed-01".try_into().unwrap(), None, T).is_none());
        assert_eq!(state.received_at, Some(T));
    }

    #[test]
    fn a_lead_off_takes_its_number_away() {
        let slot = Slot::default();
        slot.show(&frame(0, 0, 72.0), 0);
        let marks = vec![(Parameter::Hr, Validity::LeadOff)];
        slot.show(&Frame { values: Values::default(), marks, ..frame(1_000, 1_000, 0.0) }, 0);
        let number = hr(&slot, 1_000);
        assert_eq!((number.value, number.mark), (None, Some("lead_off")));
    }
}
