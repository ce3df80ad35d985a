//! What a device measured before it came to whom it is on now: it is of whoever wore it then.

use ahash::AHashMap;
use store::time::At;
use store::{Db, Error};
use vitals::{DeviceKey, PatientId, Timestamp};

use super::protocol::Step;
use super::sight::Sight;
use crate::alarms::Alarm;

const PAST: &str = "-- portal::live::past
    SELECT device_key, since FROM worn_since($1) LIMIT 100000";

/// Since when each device is on whom it is on, or on nobody any more; those that were never on anybody have none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Past(AHashMap<DeviceKey, Timestamp>);

impl Past {
    pub(super) async fn find(db: &impl Db, now: Timestamp, of: impl Fn(DeviceKey) -> bool) -> Result<Self, Error> {
        let mut past = Self::default();
        for row in db.query(PAST, &[&At(now)]).await? {
            let device = DeviceKey(row.try_get(0)?);
            if of(device) {
                past.0.insert(device, row.try_get::<_, At>(1)?.0);
            }
        }
        Ok(past)
    }

    pub(super) fn until(&self, device: DeviceKey) -> Option<Timestamp> {
        self.0.get(&device).copied()
    }
}

impl Sight {
    /// An alarm that is active as it may be told. One from before is of whoever wore the device then: on nobody it is not
    /// told. On somebody it holds for him now, so it is told from then on, without what was measured before.
    pub(super) fn alarm(&self, device: Option<DeviceKey>, alarm: &Alarm) -> Option<Alarm> {
        let Some(device) = device else { return Some(alarm.clone()) };
        if self.hides(device) {
            return None;
        }
        match self.past().until(device).filter(|since| alarm.onset_at < *since) {
            None => Some(alarm.clone()),
            Some(since) => self.wearer(device).map(|_| alarm.clone().beginning_at(since)),
        }
    }

    /// The same of a step, which happened to somebody as well.
    pub(super) fn step(&self, device: Option<DeviceKey>, step: &Step) -> Option<Step> {
        let past = device.and_then(|device| self.past().until(device)).is_some_and(|since| step.at < since);
        let alarm = if past { None } else { self.alarm(device, &step.alarm) };
        alarm.map(|alarm| Step { alarm, ..step.clone() })
    }

    /// Whom these devices are on.
    pub(super) fn wearers(&self, devices: impl Iterator<Item = DeviceKey>) -> Vec<PatientId> {
        let mut wearers: Vec<_> = devices.filter_map(|device| self.wearer(device)).collect();
        wearers.sort_unstable();
        wearers.dedup();
        wearers
    }
}
