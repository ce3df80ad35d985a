//! The JSON frame of design §4.1, read in one pass without building a tree.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::plain::{self, Plain};
use crate::{Mark, Parameter, Reason, Timestamp, Validity, Values};

/// The payload is no frame and no array of frames. The sentence names a position, never a value.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{0}")]
pub struct Malformed(pub String);

/// Frames in one message: more would let one message hold a transaction for seconds.
const MAX_FRAMES: usize = 4_096;

/// Readings outside the closed list in one frame.
const MAX_OTHERS: usize = 256;

/// Refusals that are named one by one: a key may come again and again.
const MAX_FAULTS: usize = 256;

/// Bytes of the code of such a reading.
const MAX_CODE: usize = 64;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Time {
    #[default]
    Absent,
    At(Timestamp),
    /// There, but no RFC 3339 text and no epoch milliseconds.
    Invalid,
}

/// A part of a frame that was refused, while the rest stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub reason: Reason,
    pub detail: String,
}

/// A frame as it came, before its time and its ranges mean anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RawFrame {
    pub t: Time,
    pub seq: Option<i64>,
    pub boot: Option<i64>,
    pub hist: bool,
    /// The device says `"mode":"demo"` or `"test"`.
    pub simulated: bool,
    /// Within their hard ranges, in their own units.
    pub values: Values,
    /// Sorted by parameter.
    pub marks: Vec<Mark>,
    /// (code, value, declared unit)
    pub others: Vec<(String, f64, Option<String>)>,
    pub faults: Vec<Fault>,
}

/// Reads one frame or an array of frames. True when it was an array.
pub fn decode(payload: &[u8], frames: &mut Vec<RawFrame>) -> Result<bool, Malformed> {
    if let Some(Plain { t, seq, values }) = plain::read(payload) {
        let mut frame = RawFrame { t: t.map_or(Time::Absent, Time::At), seq, ..RawFrame::default() };
        frame.settle(&values, &[], &[]);
        frames.push(frame);
        return Ok(false);
    }
    thorough(payload, frames)
}

/// Whatever the payload is.
pub(super) fn thorough(payload: &[u8], frames: &mut Vec<RawFrame>) -> Result<bool, Malformed> {
    let mut json = serde_json::Deserializer::from_slice(payload);
    let array = json
        .deserialize_any(Message { frames })
        .and_then(|array| json.end().map(|()| array))
        .map_err(|error| Malformed(format!("{} at line {} column {}", kind(&error), error.line(), error.column())))?;
    Ok(array)
}

/// serde_json's message may quote the input, which may be a person's value.
fn kind(error: &serde_json::Error) -> &'static str {
    match error.classify() {
        serde_json::error::Category::Data => "not a frame",
        serde_json::error::Category::Eof => "cut short",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "not JSON",
    }
}

struct Message<'a> {
    frames: &'a mut Vec<RawFrame>,
}

impl<'de> Visitor<'de> for Message<'_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame or an array of frames")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<bool, A::Error> {
        self.frames.push(FrameSeed.visit_map(map)?);
        Ok(false)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<bool, A::Error> {
        while let Some(frame) = seq.next_element_seed(FrameSeed)? {
            if self.frames.len() == MAX_FRAMES {
                return Err(serde::de::Error::custom("too many frames"));
            }
            self.frames.push(frame);
        }
        Ok(true)
    }
}

struct FrameSeed;

impl<'de> DeserializeSeed<'de> for FrameSeed {
    type Value = RawFrame;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawFrame, D::Error> {
        deserializer.deserialize_map(self)
    }
}

enum Key {
    Parameter(Parameter),
    T,
    Seq,
    Boot,
    Hist,
    Mode,
    Quality,
    Unit,
    Other(String),
}

struct KeySeed;

impl<'de> DeserializeSeed<'de> for KeySeed {
    type Value = Key;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Key, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for KeySeed {
    type Value = Key;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Key, E> {
        Ok(match key {
            "t" => Key::T,
            "seq" => Key::Seq,
            "boot" => Key::Boot,
            "hist" => Key::Hist,
            "mode" => Key::Mode,
            "q" => Key::Quality,
            "unit" => Key::Unit,
            _ => Parameter::from_key(key).map_or_else(|| Key::Other(key.to_owned()), Key::Parameter),
        })
    }
}

/// Any JSON value, of which only what a frame can use is kept.
enum Scalar {
    Number(f64),
    Integer(i64),
    Bool(bool),
    Text(String),
    Null,
    Other,
}

struct ScalarSeed;

impl<'de> DeserializeSeed<'de> for ScalarSeed {
    type Value = Scalar;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ScalarSeed {
    type Value = Scalar;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar, E> {
        Ok(i64::try_from(value).map_or(Scalar::Number(value as f64), Scalar::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Scalar, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Scalar, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Other)
    }
}

/// `t`: parsed where it stands, so that the usual text costs no allocation.
struct TimeSeed;

impl<'de> DeserializeSeed<'de> for TimeSeed {
    type Value = Time;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Time, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for TimeSeed {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time")
    }

    fn visit_str<E>(self, value: &str) -> Result<Time, E> {
        Ok(Timestamp::parse(value).map_or(Time::Invalid, Time::At))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Time, E> {
        Ok(value.checked_mul(1_000).map_or(Time::Invalid, |micros| Time::At(Timestamp::from_micros(micros))))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Time, E> {
        i64::try_from(value).map_or(Ok(Time::Invalid), |value| self.visit_i64(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Time, E> {
        let micros = (value * 1_000.0).floor();
        Ok(if micros.abs() < 9.0e18 { Time::At(Timestamp::from_micros(micros as i64)) } else { Time::Invalid })
    }

    fn visit_unit<E>(self) -> Result<Time, E> {
        Ok(Time::Absent)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Time, E> {
        Ok(Time::Invalid)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Time, A::Error> {
        ScalarSeed.visit_seq(seq).map(|_| Time::Invalid)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Time, A::Error> {
        ScalarSeed.visit_map(map).map(|_| Time::Invalid)
    }
}

/// `q` and `unit`: short maps of text to text.
struct Texts;

impl<'de> DeserializeSeed<'de> for Texts {
    type Value = Vec<(String, String)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Texts {
    type Value = Vec<(String, String)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(entry) = map.next_entry::<String, String>()? {
            if texts.len() == MAX_OTHERS {
                return Err(serde::de::Error::custom("too many entries"));
            }
            texts.push(entry);
        }
        Ok(texts)
    }
}

impl<'de> Visitor<'de> for FrameSeed {
    type Value = RawFrame;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a frame")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawFrame, A::Error> {
        let mut frame = RawFrame::default();
        let mut raw = [None; Parameter::COUNT];
        let (mut quality, mut units) = (Vec::new(), Vec::new());
        while let Some(key) = map.next_key_seed(KeySeed)? {
            match key {
                Key::Parameter(parameter) => match map.next_value_seed(ScalarSeed)? {
                    Scalar::Number(value) => raw[parameter.index()] = Some(value),
                    Scalar::Integer(value) => raw[parameter.index()] = Some(value as f64),
                    Scalar::Null => {}
                    _ => frame.fault(Reason::NotANumber, format_args!("{parameter} is no number")),
                },
                Key::T => frame.t = map.next_value_seed(TimeSeed)?,
                Key::Seq => match map.next_value_seed(ScalarSeed)? {
                    Scalar::Integer(seq) if seq >= 0 => frame.seq = Some(seq),
                    Scalar::Null => {}
                    _ => frame.fault(Reason::BadSeq, format_args!("seq is no integer from 0 to 2^63-1")),
                },
                Key::Boot => match map.next_value_seed(ScalarSeed)? {
                    Scalar::Integer(boot) => frame.boot = Some(boot),
                    Scalar::Null => {}
                    _ => frame.fault(Reason::BadSeq, format_args!("boot is no integer")),
                },
                Key::Hist => frame.hist = matches!(map.next_value_seed(ScalarSeed)?, Scalar::Bool(true)),
                Key::Mode => {
                    // Anything but "real" is not to be trusted as a measurement of a person.
                    frame.simulated = !matches!(map.next_value_seed(ScalarSeed)?, Scalar::Text(mode) if mode == "real");
                }
                Key::Quality => quality = map.next_value_seed(Texts)?,
                Key::Unit => units = map.next_value_seed(Texts)?,
                Key::Other(code) => {
                    let value = map.next_value_seed(ScalarSeed)?;
                    frame.other(code, value).map_err(serde::de::Error::custom)?;
                }
            }
            if frame.faults.len() > MAX_FAULTS {
                return Err(serde::de::Error::custom("too many faults"));
            }
        }
        frame.settle(&raw, &quality, &units);
        Ok(frame)
    }
}

impl RawFrame {
    fn fault(&mut self, reason: Reason, detail: fmt::Arguments<'_>) {
        self.faults.push(Fault { reason, detail: detail.to_string() });
    }

    fn other(&mut self, code: String, value: Scalar) -> Result<(), &'static str> {
        if self.others.len() + self.faults.len() >= MAX_OTHERS {
            return Err("too many keys");
        }
        if code.is_empty() || code.len() > MAX_CODE || code.chars().any(char::is_control) {
            self.fault(Reason::BadKey, format_args!("a key is no code of 1 to {MAX_CODE} printable bytes"));
            return Ok(());
        }
        match value {
            Scalar::Number(value) => self.others.push((code, value, None)),
            Scalar::Integer(value) => self.others.push((code, value as f64, None)),
            Scalar::Null => {}
            _ => self.fault(Reason::NotANumber, format_args!("{code} is no number")),
        }
        Ok(())
    }

    /// Units, ranges and marks, once every key has been seen, since their order is free.
    fn settle(
        &mut self,
        raw: &[Option<f64>; Parameter::COUNT],
        quality: &[(String, String)],
        units: &[(String, String)],
    ) {
        let unit_of = |code: &str| units.iter().find(|(key, _)| key == code).map(|(_, unit)| unit.as_str());
        for (code, _, unit) in &mut self.others {
            *unit = unit_of(code).filter(|unit| unit.len() <= MAX_CODE && !unit.contains('\0')).map(str::to_owned);
        }
        for (&parameter, value) in Parameter::ALL.iter().zip(raw) {
            let Some(value) = *value else { continue };
            let unit = if units.is_empty() { None } else { unit_of(parameter.key()) };
            let Ok(value) = unit.map_or(Ok(value), |unit| parameter.convert(value, unit)) else {
                self.fault(Reason::BadUnit, format_args!("{parameter} comes in a unit that cannot be converted"));
                continue;
            };
            let value = value as f32;
            let ((hard_low, hard_high), (low, high)) = (parameter.hard(), parameter.plausible());
            if !(hard_low..=hard_high).contains(&value) {
                self.fault(Reason::HardRange, format_args!("{parameter} is outside {hard_low} to {hard_high}"));
                continue;
            }
            self.values.set(parameter, value);
            if !(low..=high).contains(&value) {
                self.marks.push((parameter, Validity::Implausible));
            }
        }
        for (key, term) in quality {
            let Some(parameter) = Parameter::from_key(key) else {
                self.fault(Reason::BadKey, format_args!("q marks a key that is no parameter"));
                continue;
            };
            let validity = Validity::from_key(term).unwrap_or(Validity::Unknown);
            match self.marks.iter_mut().find(|(marked, _)| *marked == parameter) {
                // What the device knows says more than a range does, unless it would hide the range.
                Some(mark) if !validity.judged() => mark.1 = validity,
                Some(_) => {}
                None => self.marks.push((parameter, validity)),
            }
        }
        self.marks.sort_unstable_by_key(|(parameter, _)| *parameter);
    }
}

/// Prints a frame as a device would send it.
pub fn encode(t: Option<Timestamp>, seq: Option<i64>, hist: bool, values: &Values, marks: &[Mark]) -> String {
    use fmt::Write;
    let mut json = String::with_capacity(160);
    json.push('{');
    let mut comma = "";
    let mut field = |part: fmt::Arguments<'_>| {
        write!(json, "{comma}{part}").expect("a String takes everything");
        comma = ",";
    };
    if let Some(t) = t {
        field(format_args!("\"t\":\"{t}\""));
    }
    if let Some(seq) = seq {
        field(format_args!("\"seq\":{seq}"));
    }
    if hist {
        field(format_args!("\"hist\":true"));
    }
    for (parameter, value) in values.iter() {
        field(format_args!("\"{parameter}\":{value}"));
    }
    if !marks.is_empty() {
        let marks: Vec<_> =
            marks.iter().map(|(parameter, validity)| format!("\"{parameter}\":\"{}\"", validity.key())).collect();
        field(format_args!("\"q\":{{{}}}", marks.join(",")));
    }
    json.push('}');
    json
}
