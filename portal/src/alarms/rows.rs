use std::sync::Arc;

use store::alarms::{AlarmRow, TransitionRow};
use store::roster::Roster;
use vitals::What;

use super::model::{Alarm, Facts};
use crate::live::protocol::Step;

pub(super) fn from_row(row: &AlarmRow, roster: &Roster) -> Alarm {
    Alarm::from(Facts {
        id: row.id,
        key: row.device,
        device: row.device.and_then(|key| roster.by_key(key)).map(Arc::as_ref),
        rule: &row.rule,
        value: row.value,
        onset_at: row.onset_at,
        raised_at: row.raised_at,
        ended_at: row.ended_at,
    })
}

/// The alarm as it stood after this step; its row says how it stands now.
pub(crate) fn step_from_row(step: &TransitionRow, alarm: &AlarmRow, roster: &Roster) -> Step {
    let then =
        AlarmRow { value: step.value, ended_at: (step.what == What::Cleared).then_some(step.at), ..alarm.clone() };
    Step { epoch: step.epoch, seq: step.seq, what: step.what, at: step.at, alarm: from_row(&then, roster) }
}
