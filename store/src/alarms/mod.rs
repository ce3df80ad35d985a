//! Alarms, their transitions and the engine's epochs.

pub(crate) mod body;
pub(crate) mod epochs;
pub(crate) mod history;
pub(crate) mod read;
pub(crate) mod save;

use std::sync::Arc;

use vitals::{AlarmId, DeviceKey, RuleVersion, Timestamp, What};

pub use epochs::{begin_epoch, end_crashed, end_epoch, last_stop};
pub use history::{runs, touching};
pub use read::{active, after, page};
pub use save::save;

/// One alarm from onset to end.
#[derive(Clone, Debug, PartialEq)]
pub struct AlarmRow {
    pub id: AlarmId,
    /// None: the system about itself.
    pub device: Option<DeviceKey>,
    pub rule: Arc<RuleVersion>,
    pub onset_at: Timestamp,
    pub raised_at: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The most extreme since the onset.
    pub value: Option<f32>,
}

/// One step of an alarm as it was told to the screens.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRow {
    pub epoch: i64,
    pub seq: i64,
    pub what: What,
    pub at: Timestamp,
    pub received_at: Timestamp,
    pub value: Option<f32>,
}
