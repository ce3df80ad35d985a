//! What one transaction stores, and taking it apart until the row to blame stands alone (SQLSTATE classes 22 and 23).

use std::sync::Arc;

use keys::Keyring;
use store::telemetry::Conflict;
use vitals::{Quarantined, Reason, wire};

use super::Submission;
use super::assemble::coalesce;
use crate::pipeline::digest;
use crate::window::{Held, Ticket};

/// What of some submissions is stored together.
#[derive(Default)]
pub(super) struct Part {
    pub(super) frames: Vec<vitals::Frame>,
    pub(super) others: Vec<vitals::OtherReading>,
    pub(super) quarantined: Vec<Quarantined>,
    pub(super) statuses: Vec<(vitals::DeviceKey, bytes::Bytes, vitals::Timestamp)>,
}

/// What a submission leaves behind once its items are in a part: its ticket, and the bytes it holds until then.
pub(super) struct Receipt {
    pub(super) ticket: Arc<Ticket>,
    _held: Held,
}

impl Part {
    /// Frames come out sorted by key, each key once. The receipts are for after the commit.
    pub(super) fn gather(
        submissions: Vec<Submission>,
        conflict: &dyn Fn(vitals::DeviceKey, Conflict<'_>) -> Vec<Quarantined>,
    ) -> (Self, Vec<Receipt>) {
        let mut part = Self::default();
        part.frames.reserve(submissions.iter().map(|submission| submission.frames.len()).sum());
        let mut receipts = Vec::with_capacity(submissions.len());
        for mut submission in submissions {
            part.frames.append(&mut submission.frames);
            part.others.append(&mut submission.others);
            part.quarantined.append(&mut submission.quarantined);
            part.statuses.append(&mut submission.statuses);
            receipts.push(Receipt { ticket: submission.ticket, _held: submission.held });
        }
        let conflicts = coalesce(&mut part.frames, conflict);
        part.quarantined.extend(conflicts);
        (part, receipts)
    }

    pub(super) fn len(&self) -> usize {
        self.frames.len() + self.others.len() + self.quarantined.len() + self.statuses.len()
    }

    /// Two halves, or None where one item is left.
    pub(super) fn halves(mut self) -> Result<[Self; 2], Self> {
        if self.len() <= 1 {
            return Err(self);
        }
        let mut second = Self::default();
        let mut keep = self.len() / 2;
        second.frames = self.frames.split_off(keep.min(self.frames.len()));
        keep -= self.frames.len();
        second.others = self.others.split_off(keep.min(self.others.len()));
        keep -= self.others.len();
        second.quarantined = self.quarantined.split_off(keep.min(self.quarantined.len()));
        keep -= self.quarantined.len();
        second.statuses = self.statuses.split_off(keep.min(self.statuses.len()));
        Ok([self, second])
    }

    /// The one item that the database refuses, as an entry of the quarantine.
    pub(super) fn refused(
        self,
        keyring: &Keyring,
        topic: impl Fn(vitals::DeviceKey) -> String,
        sqlstate: &str,
    ) -> Self {
        let entry = |device, received_at, payload: Vec<u8>| Quarantined {
            device,
            topic: topic(device),
            reason: Reason::Refused,
            detail: format!("the database refused the row with SQLSTATE {sqlstate}"),
            digest: digest(keyring, &payload),
            payload,
            received_at,
        };
        let frames = self.frames.iter().map(|frame| {
            let json = wire::encode(Some(frame.at), frame.seq, false, &frame.values, &frame.marks);
            entry(frame.device, frame.received_at, json.into_bytes())
        });
        let others = self.others.iter().map(|other| {
            let json =
                format!("{{\"t\":\"{}\",{}:{}}}", other.at, serde_json::Value::from(other.code.as_str()), other.value);
            entry(other.device, other.at, json.into_bytes())
        });
        let statuses = self.statuses.iter().map(|(device, payload, at)| {
            entry(*device, *at, payload[..payload.len().min(Quarantined::MAX_PAYLOAD)].to_vec())
        });
        let quarantined: Vec<_> = frames.chain(others).chain(statuses).collect();
        metrics::counter!("vigil_quarantined_total", "reason" => Reason::Refused.word())
            .increment(quarantined.len() as u64);
        Self { quarantined, ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use vitals::{DeviceKey, Flags, Frame, OtherReading, Timestamp, Values};

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_795_428_000_000);

    fn other(code: &str) -> OtherReading {
        OtherReading { device: DeviceKey(1), code: code.to_owned(), at: AT, value: 66.0, unit: None }
    }

    /// What stands alone once everything was halved as often as it can be.
    fn alone(part: Part) -> Vec<Part> {
        match part.halves() {
            Ok(halves) => halves.into_iter().flat_map(alone).collect(),
            Err(one) => vec![one],
        }
    }

    #[test]
    fn every_item_of_any_kind_can_stand_alone_in_the_order_in_which_it_came() {
        let frame = |number: i64| Frame {
            device: DeviceKey(1),
            at: AT.plus_millis(number),
            received_at: AT,
            seq: None,
            flags: Flags::default(),
            values: Values::default(),
            marks: Vec::new(),
        };
        let part = Part {
            frames: (0..5).map(frame).collect(),
            others: ["cvp", "icp", "lac"].map(other).to_vec(),
            statuses: vec![(DeviceKey(1), bytes::Bytes::from_static(b"{}"), AT)],
            ..Part::default()
        };
        let ones = alone(part);
        assert!(ones.iter().all(|one| one.len() == 1));
        let frames: Vec<_> = ones.iter().flat_map(|one| &one.frames).map(|frame| frame.at.millis_since(AT)).collect();
        let codes: Vec<_> = ones.iter().flat_map(|one| &one.others).map(|other| other.code.as_str()).collect();
        assert_eq!((frames, codes, ones.len()), (vec![0, 1, 2, 3, 4], vec!["cvp", "icp", "lac"], 9));
    }

    #[test]
    fn a_refused_reading_goes_to_quarantine_by_its_key() {
        let part = Part { others: vec![other("i\"cp")], ..Part::default() };
        let refused = part.refused(&Keyring::for_tests(), |device| format!("of {device}"), "23514");
        let [entry] = &refused.quarantined[..] else { panic!("one entry") };
        assert_eq!((entry.reason, entry.received_at), (Reason::Refused, AT));
        assert!(entry.detail.ends_with("23514"), "{}", entry.detail);
        let payload: serde_json::Value = serde_json::from_slice(&entry.payload).unwrap();
        assert_eq!(payload["i\"cp"], 66.0);
        assert_eq!(refused.len(), 1);
    }
}
