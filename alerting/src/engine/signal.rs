use std::sync::Arc;

use vitals::{AlarmId, DeviceKey, RuleVersion, Timestamp, Transition, What};

/// A transition before it has its place in the order of all transitions of a cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Signal {
    /// None: the system about itself.
    pub device: Option<DeviceKey>,
    pub rule: Arc<RuleVersion>,
    pub what: What,
    /// The deadline that was met, or the corrected time of the frame that ended the condition.
    pub at: Timestamp,
    /// Of the frame that brought it; where only time passed, the moment from which it was due.
    pub received_at: Timestamp,
    pub onset_at: Timestamp,
    pub value: Option<f32>,
}

impl Signal {
    pub fn alarm(&self) -> AlarmId {
        AlarmId::derive(self.device, self.rule.id, self.onset_at)
    }

    pub fn numbered(self, epoch: i64, seq: i64) -> Transition {
        Transition {
            epoch,
            seq,
            alarm: self.alarm(),
            device: self.device,
            rule: self.rule,
            what: self.what,
            at: self.at,
            received_at: self.received_at,
            onset_at: self.onset_at,
            value: self.value,
        }
    }
}
