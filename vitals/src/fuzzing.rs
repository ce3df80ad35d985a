//! What must hold for whatever bytes come: fed by the fuzz targets, and by every test run with their seeds.

use crate::wire::{RawFrame, Time, decode, encode};
use crate::{DeviceName, Stream, Timestamp, Topic, Validity};

/// Frames that one message can hold, and readings that one frame can (vitals/src/wire/json.rs).
const MOST_FRAMES: usize = 4_096;
const MOST_OTHERS: usize = 256;

/// The payload of a `vitals` message.
pub fn wire(payload: &[u8]) {
    let mut frames = Vec::new();
    match decode(payload, &mut frames) {
        Ok(true) => assert!(frames.len() <= MOST_FRAMES),
        Ok(false) => assert_eq!(frames.len(), 1),
        Err(malformed) => assert!(malformed.0.len() < 80, "a position, never a value: {malformed}"),
    }
    for frame in &frames {
        within_bounds(frame);
        comes_back(frame);
    }
}

fn within_bounds(frame: &RawFrame) {
    for (parameter, value) in frame.values.iter() {
        let ((hard_low, hard_high), (low, high)) = (parameter.hard(), parameter.plausible());
        assert!((hard_low..=hard_high).contains(&value), "{parameter} {value}");
        let marked = frame.marks.iter().find(|(marked, _)| *marked == parameter);
        let judged = marked.is_none_or(|(_, validity)| validity.judged());
        assert!((low..=high).contains(&value) || !judged, "{parameter} {value} would be judged");
    }
    assert!(frame.marks.is_sorted_by(|(left, _), (right, _)| left < right), "one mark a parameter: {:?}", frame.marks);
    assert!(frame.seq.is_none_or(|seq| seq >= 0));
    assert!(frame.others.len() <= MOST_OTHERS && frame.faults.len() <= 3 * MOST_OTHERS);
    for (code, value, unit) in &frame.others {
        assert!((1..=64).contains(&code.len()) && !code.chars().any(char::is_control) && value.is_finite());
        // What PostgreSQL takes as text.
        assert!(unit.as_ref().is_none_or(|unit| unit.len() <= 64 && !unit.contains('\0')));
    }
}

/// What is printed of a frame, as quarantine keeps it, is read as the same frame.
fn comes_back(frame: &RawFrame) {
    let at = match frame.t {
        Time::At(at) if Timestamp::parse(&at.to_string()) == Some(at) => Some(at),
        // Thousands of years from here: no frame that is stored has such a time.
        Time::At(_) | Time::Absent | Time::Invalid => None,
    };
    let printed = encode(at, frame.seq, frame.hist, &frame.values, &frame.marks);
    let mut again = Vec::new();
    assert_eq!(decode(printed.as_bytes(), &mut again), Ok(false), "{printed}");
    let again = &again[0];
    assert_eq!(again.t, at.map_or(Time::Absent, Time::At), "{printed}");
    assert_eq!((again.seq, again.hist, again.values), (frame.seq, frame.hist, frame.values), "{printed}");
    assert_eq!(again.marks, frame.marks, "{printed}");
    assert!(again.faults.is_empty(), "{printed}");
    assert!(frame.marks.iter().all(|(_, mark)| Validity::from_key(mark.key()) == Some(*mark)));
}

/// The topic of a PUBLISH.
pub fn topic(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(topic) = Topic::parse(text) else { return };
    assert_eq!(topic.to_string(), text);
    assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'+' | b'#' | b'$')), "{text}");
    let channel = match topic.stream {
        Stream::Waves { channel } => Some(channel),
        Stream::Vitals | Stream::Status => None,
    };
    assert!([Some(topic.device), topic.gateway, channel].into_iter().flatten().all(DeviceName::is_valid));
}
