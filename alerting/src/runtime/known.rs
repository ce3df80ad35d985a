use std::sync::Arc;

use ahash::AHashMap;
use vitals::{Bound, Condition, DeviceKey, RuleVersion, RuleVersionId, Timestamp, What};

use crate::engine::Signal;

/// An alarm that the database has.
#[derive(Clone, Debug)]
pub(super) struct KnownAlarm {
    pub(super) device: Option<DeviceKey>,
    pub(super) rule: Arc<RuleVersion>,
    pub(super) onset: Timestamp,
    pub(super) raised: Timestamp,
    pub(super) ended: Option<Timestamp>,
    pub(super) value: Option<f32>,
}

/// What was told before a restart, so that replaying the past tells only what was lost on the way to the database.
#[derive(Debug, Default)]
pub(super) struct Known {
    alarms: AHashMap<(Option<DeviceKey>, RuleVersionId), Vec<KnownAlarm>>,
    /// Silences that nobody was told of. Holds are not recorded and old back-fill is not read again, so one that ended
    /// within the replayed time proves nothing.
    doubtful: AHashMap<(Option<DeviceKey>, RuleVersionId), Signal>,
}

impl Known {
    pub(super) fn new(alarms: impl IntoIterator<Item = KnownAlarm>) -> Self {
        let mut known = Self::default();
        alarms.into_iter().for_each(|alarm| known.add(alarm));
        known
    }

    fn add(&mut self, alarm: KnownAlarm) {
        self.alarms.entry((alarm.device, alarm.rule.id)).or_default().push(alarm);
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &KnownAlarm> {
        self.alarms.values().flatten()
    }

    /// Silences that go on, in the order of their onsets.
    pub(super) fn silences(&mut self) -> Vec<Signal> {
        let mut silences: Vec<_> = self.doubtful.drain().map(|(_, signal)| signal).collect();
        silences.sort_by_key(|signal| (signal.at, signal.device));
        silences
    }

    /// Passes on what is news. A replay may see another onset than the run before it, whose first frame was judged and
    /// never stored: an alarm of the same rule that overlaps is the same alarm, under the onset it was told with.
    pub(super) fn replayed(&mut self, mut signal: Signal) -> Option<Signal> {
        let key = (signal.device, signal.rule.id);
        if signal.what == What::Cleared && self.doubtful.remove(&key).is_some() {
            return None;
        }
        let alarms = self.alarms.entry(key).or_default();
        let overlaps = |alarm: &&mut KnownAlarm| {
            alarm.onset <= signal.at && alarm.ended.is_none_or(|ended| ended > signal.onset_at)
        };
        let Some(alarm) = alarms.iter_mut().find(overlaps) else {
            if signal.what == What::Raised && matches!(signal.rule.condition, Condition::Silence { .. }) {
                self.doubtful.insert(key, signal);
                return None;
            }
            alarms.push(KnownAlarm {
                device: signal.device,
                rule: signal.rule.clone(),
                onset: signal.onset_at,
                raised: signal.at,
                ended: (signal.what == What::Cleared).then_some(signal.at),
                value: signal.value,
            });
            return Some(signal);
        };
        signal.onset_at = alarm.onset;
        let news = match signal.what {
            What::Raised => false,
            What::Updated => alarm.ended.is_none() && alarm.worse(signal.value),
            What::Cleared => alarm.ended.is_none(),
        };
        match signal.what {
            What::Cleared => {
                alarm.ended.get_or_insert(signal.at);
            }
            _ if alarm.worse(signal.value) => alarm.value = signal.value,
            _ => {}
        }
        news.then_some(signal)
    }
}

impl KnownAlarm {
    /// As the latest transition of an alarm that goes on.
    pub(super) fn raised(&self) -> Signal {
        self.signal(What::Raised, self.raised)
    }

    pub(super) fn cleared(&self, at: Timestamp) -> Signal {
        self.signal(What::Cleared, at)
    }

    fn signal(&self, what: What, at: Timestamp) -> Signal {
        let Self { device, rule, onset, value, .. } = self.clone();
        Signal { device, rule, what, at, received_at: at, onset_at: onset, value }
    }

    fn worse(&self, value: Option<f32>) -> bool {
        let (Some(before), Some(value)) = (self.value, value) else { return value.is_some() };
        match self.rule.condition {
            Condition::Limit { bound: Bound::Upper, .. } => value > before,
            Condition::Limit { bound: Bound::Lower, .. } => value < before,
            _ => false,
        }
    }
}
