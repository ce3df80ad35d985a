//! From submissions to a batch: sorted, each key once, split into what can be copied and what must be merged.

use ahash::AHashMap;
use store::telemetry::Conflict;
use vitals::{DeviceKey, Flags, Frame, Quarantined, Timestamp};

/// The newest moment stored for a device. Unknown after a start and after any failure.
pub(super) type Watermarks = AHashMap<DeviceKey, Timestamp>;

/// Sorts by key and coalesces: the first arrival wins, later ones fill its gaps. Answers what differed from it.
/// `frames` are in order of arrival, which for one key decides.
pub(super) fn coalesce(
    frames: &mut Vec<Frame>,
    conflict: &dyn Fn(DeviceKey, Conflict<'_>) -> Vec<Quarantined>,
) -> Vec<Quarantined> {
    let mut differing = Vec::new();
    // Stable: equal keys stay in order of arrival.
    frames.sort_by_key(|frame| (frame.device, frame.at));
    frames.dedup_by(|later, first| {
        let same = (later.device, later.at) == (first.device, first.at);
        if same && fill(first, later) {
            differing.push(later.clone());
        }
        same
    });
    let differing: Vec<_> = differing.iter().collect();
    let of_devices = differing.chunk_by(|left, right| left.device == right.device);
    of_devices.flat_map(|frames| conflict(frames[0].device, Conflict::Frames(frames))).collect()
}

/// Fills the gaps of `first`. True when a value that both have differs.
fn fill(first: &mut Frame, later: &Frame) -> bool {
    let mut differs = false;
    let known = first.values;
    for (parameter, value) in later.values.iter() {
        match first.values.get(parameter) {
            None => {
                first.values.set(parameter, value);
                if later.flags.has(Flags::VALUE_FLAGGED) {
                    first.flags = first.flags.with(Flags::VALUE_FLAGGED);
                }
            }
            Some(stored) => differs |= stored != value,
        }
    }
    for mark in &later.marks {
        // A mark comes with the value it speaks of, or for a value that neither has; never onto one that stood without.
        if first.mark(mark.0).is_none() && known.get(mark.0).is_none() {
            first.marks.push(*mark);
            first.marks.sort_unstable_by_key(|(parameter, _)| *parameter);
        }
    }
    differs
}

/// Splits into (newer than the watermark, late or uncertain).
pub(super) fn classify<'a>(
    frames: &'a [Frame],
    watermarks: &Watermarks,
    merge_all: bool,
) -> (Vec<&'a Frame>, Vec<&'a Frame>) {
    frames.iter().partition(|frame| !merge_all && watermarks.get(&frame.device).is_some_and(|mark| frame.at > *mark))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use vitals::{Parameter, Validity, Values};

    use super::*;

    fn frame(device: i32, at: i64, values: &[(Parameter, f32)]) -> Frame {
        let mut frame = Frame {
            device: DeviceKey(device),
            at: Timestamp::from_micros(at),
            received_at: Timestamp::from_micros(at),
            seq: None,
            flags: Flags::default(),
            values: Values::default(),
            marks: Vec::new(),
        };
        for (parameter, value) in values {
            frame.values.set(*parameter, *value);
        }
        frame
    }

    fn named(device: DeviceKey, what: Conflict<'_>) -> Vec<Quarantined> {
        crate::pipeline::conflicts(&keys::Keyring::for_tests(), device, "", what)
    }

    #[test]
    fn the_first_arrival_wins_and_later_ones_fill_gaps() {
        let mut frames = vec![
            frame(1, 5, &[(Parameter::Hr, 70.0)]),
            frame(1, 4, &[]),
            frame(1, 5, &[(Parameter::Hr, 71.0), (Parameter::Rr, 14.0)]),
        ];
        let conflicts = coalesce(&mut frames, &named);
        assert_eq!(frames.iter().map(|frame| frame.at.micros()).collect::<Vec<_>>(), [4, 5]);
        assert_eq!(frames[1].values.get(Parameter::Hr), Some(70.0));
        assert_eq!(frames[1].values.get(Parameter::Rr), Some(14.0));
        assert_eq!(conflicts.len(), 1);
    }

    #[test]
    fn a_mark_comes_with_its_value_or_for_one_that_neither_has() {
        let marked = |values: &[(Parameter, f32)], marks: &[(Parameter, Validity)]| Frame {
            marks: marks.to_vec(),
            ..frame(1, 5, values)
        };
        let (hr, artifact) = ((Parameter::Hr, 70.0), (Parameter::Hr, Validity::Artifact));
        let off = (Parameter::Spo2, Validity::LeadOff);
        for (first, later, expected) in [
            (marked(&[hr], &[]), marked(&[hr], &[artifact]), &[][..]),
            (marked(&[], &[]), marked(&[hr], &[artifact]), &[artifact]),
            (marked(&[(Parameter::Rr, 14.0)], &[]), marked(&[(Parameter::Rr, 14.0)], &[off]), &[off]),
            (marked(&[hr], &[artifact]), marked(&[hr], &[(Parameter::Hr, Validity::Questionable)]), &[artifact]),
            (marked(&[], &[off]), marked(&[], &[(Parameter::Spo2, Validity::Unplugged)]), &[off]),
        ] {
            let mut frames = vec![first, later];
            assert_eq!(coalesce(&mut frames, &named), []);
            assert_eq!((frames.len(), &frames[0].marks[..]), (1, expected));
        }
    }

    proptest! {
        #[test]
        fn every_key_comes_out_once_and_nothing_known_is_copied(
            keys in proptest::collection::vec((0..4, 0i64..8), 0..60), marks in proptest::collection::hash_map(0..4, 0i64..8, 0..4),
        ) {
            let mut frames: Vec<_> = keys.iter().map(|(device, at)| frame(*device, *at, &[])).collect();
            coalesce(&mut frames, &named);
            let unique: std::collections::BTreeSet<_> = keys.iter().copied().collect();
            let out: Vec<_> = frames.iter().map(|frame| (frame.device.0, frame.at.micros())).collect();
            prop_assert_eq!(out, unique.into_iter().collect::<Vec<_>>());
            let watermarks: Watermarks =
                marks.iter().map(|(device, at)| (DeviceKey(*device), Timestamp::from_micros(*at))).collect();
            let (fresh, merge) = classify(&frames, &watermarks, false);
            prop_assert_eq!(fresh.len() + merge.len(), frames.len());
            for frame in fresh {
                prop_assert!(marks.get(&frame.device.0).is_some_and(|mark| frame.at.micros() > *mark));
            }
        }
    }
}
