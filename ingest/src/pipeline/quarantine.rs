//! Entries of the quarantine: one a message, naming everything that was refused of it.

use std::fmt::Write;

use aws_lc_rs::digest as sha;
use store::telemetry::Conflict;
use vitals::{Quarantined, Reason, Timestamp, wire};

use super::Publish;

/// Bytes of the sentence that says why: a message of 4,096 bad frames says so for the first ones.
const MAX_DETAIL: usize = 400;

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

    pub(super) fn into_entry(self, publish: &Publish, received_at: Timestamp) -> Option<Quarantined> {
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
            digest: digest(&publish.payload),
            received_at,
        })
    }
}

pub(crate) fn digest(bytes: &[u8]) -> [u8; 32] {
    sha::digest(&sha::SHA256, bytes).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// The entry of a frame, or reading, of which something else is already stored.
pub(crate) fn conflict(topic: String, what: Conflict<'_>) -> Quarantined {
    metrics::counter!("vigil_quarantined_total", "reason" => Reason::Conflict.word()).increment(1);
    let (device, received_at, payload, detail) = match what {
        Conflict::Frame(frame) => (
            frame.device,
            frame.received_at,
            wire::encode(Some(frame.at), frame.seq, false, &frame.values, &frame.marks),
            "another value is stored for this moment".to_owned(),
        ),
        Conflict::Other(other) => (
            other.device,
            // The frame it came with has the receive time; the moment it speaks of names it as well.
            other.at,
            format!("{{\"t\":\"{}\",{}:{}}}", other.at, serde_json::Value::from(other.code.as_str()), other.value),
            format!("another value is stored for {} at this moment", other.code),
        ),
    };
    Quarantined {
        device,
        topic,
        reason: Reason::Conflict,
        detail,
        digest: digest(payload.as_bytes()),
        payload: payload.into_bytes(),
        received_at,
    }
}
