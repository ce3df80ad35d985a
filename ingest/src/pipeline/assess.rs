//! What a frame's time means: live, late, back-fill, from the future, too old (design §4.1 "Clocks lie").

use vitals::wire::{RawFrame, Time};
use vitals::{ClockOffset, Device, Flags, Frame, Realm, Reason, Timestamp, Validity};

/// `t` further ahead of our clock than this is not stored.
const FUTURE_US: i64 = 120_000_000;

/// Where a frame goes.
#[derive(Debug, PartialEq)]
pub(super) enum Verdict {
    Store(Frame),
    /// Not stored, yet judged and shown at its receive time: a bed is never muted by its clock.
    JudgeOnly(Frame, Reason),
    Refuse(Reason),
}

pub(super) struct Arrival<'a> {
    pub(super) device: &'a Device,
    pub(super) received_at: Timestamp,
    /// The frame came in an array, where each needs a time of its own.
    pub(super) in_array: bool,
    pub(super) horizon_days: i64,
}

pub(super) fn assess(raw: RawFrame, clock: &mut ClockOffset, arrival: &Arrival<'_>) -> Verdict {
    let received_at = arrival.received_at;
    let simulated = raw.simulated && arrival.device.realm == Realm::Live;
    let flagged = raw.marks.iter().any(|(_, validity)| *validity == Validity::Implausible);
    let mut flags = Flags::default();
    for (set, flag) in [(simulated, Flags::SIMULATED), (flagged, Flags::VALUE_FLAGGED), (raw.hist, Flags::HIST)] {
        if set {
            flags = flags.with(flag);
        }
    }
    let judged = Flags::LIVE.with(Flags::JUDGED);
    let frame = |at: Timestamp, flags: Flags| Frame {
        device: arrival.device.key,
        at,
        received_at,
        seq: raw.seq,
        flags,
        values: raw.values,
        marks: raw.marks.clone(),
    };
    let at = match raw.t {
        Time::At(at) => at,
        Time::Absent if !arrival.in_array && !raw.hist => {
            return Verdict::Store(frame(received_at, flags.with(Flags::NO_TIME).with(judged)));
        }
        Time::Absent | Time::Invalid => return Verdict::Refuse(Reason::NoTime),
    };
    if at.micros_since(received_at) > FUTURE_US {
        if raw.hist {
            return Verdict::Refuse(Reason::Future);
        }
        let flags = flags.with(judged).with(Flags::NO_TIME).with(Flags::CLOCK_SUSPECT);
        return Verdict::JudgeOnly(frame(received_at, flags), Reason::Future);
    }
    let mut event = at;
    if !raw.hist {
        let observed = clock.observe(at, received_at, arrival.device.profile.live_window_ms());
        event = at.plus_micros(observed.offset_us);
        if observed.live {
            flags = flags.with(judged);
        }
        if observed.stepped {
            flags = flags.with(Flags::CLOCK_SUSPECT);
        }
    }
    // By corrected time where that is later: a slow clock must not turn a new device's first hour away.
    let horizon = received_at.plus_millis(-arrival.horizon_days * 86_400_000);
    if event.max(at) < arrival.device.enrolled_at || at < horizon {
        return if flags.has(Flags::JUDGED) {
            Verdict::JudgeOnly(
                frame(received_at, flags.with(Flags::NO_TIME).with(Flags::CLOCK_SUSPECT)),
                Reason::TooOld,
            )
        } else {
            Verdict::Refuse(Reason::TooOld)
        };
    }
    Verdict::Store(frame(at, flags))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vitals::{AgeClass, DeviceKey, DeviceKind, DeviceProfile};

    const NOW: Timestamp = Timestamp::from_millis(1_795_428_000_000);

    fn verdict(t: Time, hist: bool, in_array: bool, enrolled_ago_s: i64) -> Verdict {
        let device = Device {
            key: DeviceKey(1),
            name: "bed-01".try_into().unwrap(),
            kind: DeviceKind::Device,
            profile: DeviceProfile::Bedside,
            age_class: AgeClass::Adult,
            realm: Realm::Live,
            gateway: None,
            enrolled_at: NOW.plus_millis(-enrolled_ago_s * 1_000),
            revoked: false,
        };
        let arrival = Arrival { device: &device, received_at: NOW, in_array, horizon_days: 400 };
        assess(RawFrame { t, hist, ..RawFrame::default() }, &mut ClockOffset::default(), &arrival)
    }

    fn told(verdict: &Verdict) -> (&'static str, i32) {
        match verdict {
            Verdict::Store(frame) => ("store", frame.flags.0),
            Verdict::JudgeOnly(frame, reason) => (reason.word(), frame.flags.0),
            Verdict::Refuse(reason) => (reason.word(), 0),
        }
    }

    #[test]
    fn a_frame_goes_where_its_time_says() {
        let ago = |s: i64| Time::At(NOW.plus_millis(-s * 1_000));
        let (day, live) = (86_400, Flags::LIVE.0 | Flags::JUDGED.0);
        let suspect = live | Flags::NO_TIME.0 | Flags::CLOCK_SUSPECT.0;
        for (t, hist, in_array, enrolled_ago_s, expected) in [
            (ago(0), false, false, day, ("store", live)),
            (ago(14), false, false, day, ("store", live)),
            (ago(16), false, false, day, ("store", 0)),
            (ago(1), true, false, day, ("store", Flags::HIST.0)),
            (ago(-119), false, false, day, ("store", live)),
            (ago(-121), false, false, day, ("future", suspect)),
            (ago(-121), true, false, day, ("future", 0)),
            (Time::Absent, false, false, day, ("store", live | Flags::NO_TIME.0)),
            (Time::Absent, false, true, day, ("no_time", 0)),
            (Time::Absent, true, false, day, ("no_time", 0)),
            (Time::Invalid, false, false, day, ("no_time", 0)),
            (ago(401 * day), false, false, 500 * day, ("too_old", 0)),
            (ago(100), true, false, 10, ("too_old", 0)),
        ] {
            let verdict = verdict(t, hist, in_array, enrolled_ago_s);
            assert_eq!(told(&verdict), expected, "{t:?} hist {hist} array {in_array}");
        }
    }
}
