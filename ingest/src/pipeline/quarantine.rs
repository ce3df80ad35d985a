//! Entries of the quarantine: one a message, naming everything that was refused of it.

use std::fmt::Write;

use keys::{Field, Keyring, TokenKind};
use store::telemetry::Conflict;
use vitals::{DeviceKey, Frame, OtherReading, Quarantined, Reason, Timestamp, wire};

use super::Publish;

/// Bytes of the sentence that says why: a message of 4,096 bad frames says so for the first ones.
const MAX_DETAIL: usize = 400;

/// Frames of one device and transaction that get an entry each, which a repetition finds again. More share entries.
const MAX_SINGLE: usize = 16;

#[derive(Default)]
pub(super) struct Refusals {
    reason: Option<Reason>,
    detail: String,
}

impl Refusals {
    pub(super) fn add(&mut self, reason: Reason, position: Option<usize>, detail: String) {
        metrics::counter!("vigil_quarantined_total", "reason" => reason.word()).increment(1);
        self.reason.get_or_insert(reason);
        if self.detail.len() + detail.len() > MAX_DETAIL {
            return;
        }
        if !self.detail.is_empty() {
            self.detail.push_str("; ");
        }
        if let Some(position) = position {
            write!(self.detail, "frame {position}: ").expect("a String takes everything");
        }
        self.detail.push_str(&detail);
    }

    pub(super) fn into_entry(
        self,
        publish: &Publish,
        received_at: Timestamp,
        keyring: &Keyring,
    ) -> Option<Quarantined> {
        let reason = self.reason?;
        // What was understood and refused may be the only trace of a reading: all of it is kept, up to the packet's bound.
        let kept = match reason {
            Reason::Malformed | Reason::Unsupported => publish.payload.len().min(Quarantined::MAX_PAYLOAD),
            _ => publish.payload.len(),
        };
        Some(Quarantined {
            device: publish.route.device.key,
            topic: String::from_utf8_lossy(&publish.route.topic).into_owned(),
            reason,
            detail: self.detail,
            payload: publish.payload[..kept].to_vec(),
            digest: digest(keyring, &publish.payload),
            received_at,
        })
    }
}

/// Of a plain hash a guess could be made sure.
pub(crate) fn digest(keyring: &Keyring, payload: &[u8]) -> [u8; 32] {
    keyring.token(TokenKind::Quarantine, payload).bytes
}

const PAYLOAD: Field = Field::new("quarantine", "payload");

/// What is stored of a payload: it may hold anything, a name among it.
pub(crate) fn seal(keyring: &Keyring, digest: &[u8], payload: &[u8]) -> Vec<u8> {
    keyring.system().seal(PAYLOAD, digest, payload)
}

/// The entries of what differs from what is stored for a device. Each is a message of as many frames as fit into
/// `Quarantined::MAX_PAYLOAD`: all that differs is kept, and many of them do not cost a row each.
pub(crate) fn conflicts(keyring: &Keyring, device: DeviceKey, topic: &str, what: Conflict<'_>) -> Vec<Quarantined> {
    let (differing, most): (Vec<_>, _) = match what {
        Conflict::Frames(frames) => {
            let single = frames.len() <= MAX_SINGLE;
            (frames.iter().map(|frame| Differing::frame(frame)).collect(), if single { 1 } else { usize::MAX })
        }
        Conflict::Others(others) => (others.iter().map(|other| Differing::other(other)).collect(), usize::MAX),
    };
    metrics::counter!("vigil_quarantined_total", "reason" => Reason::Conflict.word()).increment(differing.len() as u64);
    let mut rest = &differing[..];
    let mut entries = Vec::new();
    while !rest.is_empty() {
        // The brackets around them, and the comma after each.
        let mut bytes = 1;
        let fits = rest.iter().take(most).take_while(|one| {
            bytes += one.json.len() + 1;
            bytes <= Quarantined::MAX_PAYLOAD
        });
        let (now, later) = rest.split_at(fits.count().max(1));
        rest = later;
        entries.push(entry(keyring, device, topic, now));
    }
    entries
}

/// A frame, or a reading as a frame of its own, that differs from what is stored.
struct Differing<'a> {
    json: String,
    code: Option<&'a str>,
    received_at: Timestamp,
}

impl<'a> Differing<'a> {
    fn frame(frame: &Frame) -> Self {
        let json = wire::encode(Some(frame.at), frame.seq, false, &frame.values, &frame.marks);
        Self { json, code: None, received_at: frame.received_at }
    }

    fn other(other: &'a OtherReading) -> Self {
        let json =
            format!("{{\"t\":\"{}\",{}:{}}}", other.at, serde_json::Value::from(other.code.as_str()), other.value);
        // The frame it came with has the receive time; the moment it speaks of names it as well.
        Self { json, code: Some(&other.code), received_at: other.at }
    }
}

fn entry(keyring: &Keyring, device: DeviceKey, topic: &str, differing: &[Differing<'_>]) -> Quarantined {
    let first = &differing[0];
    let (payload, detail) = match (differing, first.code) {
        ([one], None) => (one.json.clone(), "another value is stored for this moment".to_owned()),
        ([one], Some(code)) => (one.json.clone(), format!("another value is stored for {code} at this moment")),
        (many, code) => {
            let all: Vec<_> = many.iter().map(|one| one.json.as_str()).collect();
            let what = code.map_or("moments".to_owned(), |code| format!("readings, the first of them {code}"));
            (format!("[{}]", all.join(",")), format!("another value is stored for each of {} {what}", many.len()))
        }
    };
    Quarantined {
        device,
        topic: topic.to_owned(),
        reason: Reason::Conflict,
        detail,
        digest: digest(keyring, payload.as_bytes()),
        payload: payload.into_bytes(),
        received_at: differing.iter().map(|one| one.received_at).max().unwrap_or(first.received_at),
    }
}
