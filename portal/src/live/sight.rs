use std::sync::Arc;

use ahash::AHashSet;
use keys::Keyring;
use store::time::At;
use store::{Db, Error};
use uuid::Uuid;
use vitals::{DeviceKey, PatientId, Timestamp};

use super::labels::{Labels, Sealed};
use super::past::Past;
use super::protocol::OnDevice;
use crate::audit::{Action, Category, Entity, EntityKind, Event};
use crate::caller::Who;
use crate::identity::{Names, names_on_glass};

const SIGHT: &str = "-- portal::live::sight
    SELECT device_key, patient_id FROM sight($1) LIMIT 100000";

/// What a screen may show now. Cheap to clone but for its labels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    found: Arc<Found>,
    labels: Labels,
}

/// The same as the database tells it: names are sealed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Devices on somebody who may not be seen, and of a station also what is on nobody and kept elsewhere. Whatever else is
    /// on nobody is seen: a bed's alarm waits for no name.
    hidden: AHashSet<DeviceKey>,
    /// Which of the others is on whom, in the order of devices.
    worn: Vec<(DeviceKey, PatientId)>,
    /// What they measured of others.
    past: Past,
    names: Names,
    sealed: Sealed,
}

impl Sight {
    pub(crate) fn hides(&self, device: DeviceKey) -> bool {
        self.found.hides(device)
    }

    /// Who this device is on. None also where the glass is to tell nothing of him.
    pub(crate) fn on(&self, device: DeviceKey) -> Option<OnDevice> {
        if self.found.names == Names::Nothing {
            return None;
        }
        let id = self.wearer(device)?;
        Some(OnDevice { id, label: self.labels.of(id).map(str::to_owned) })
    }

    /// On whom it is, if he may be seen.
    pub(super) fn wearer(&self, device: DeviceKey) -> Option<PatientId> {
        let worn = &self.found.worn;
        let found = worn.binary_search_by_key(&device, |(device, _)| *device).ok()?;
        Some(worn[found].1)
    }

    pub(super) fn past(&self) -> &Past {
        &self.found.past
    }

    pub(super) fn found(&self) -> &Arc<Found> {
        &self.found
    }

    /// Some names were not opened in time.
    pub(super) fn lacks_names(&self) -> bool {
        !self.found.sealed.all_in(&self.labels)
    }

    /// Shows what was found, by the names of `known` that still hold.
    pub(super) fn at_once(found: Arc<Found>, known: &Self) -> Self {
        let labels = match known.found.names == found.names {
            true => found.sealed.keep(&known.found.sealed, &known.labels),
            false => Labels::default(),
        };
        Self { found, labels }
    }

    /// Opens the names it lacks, or all of them anew. One that is not opened in time stays what it was.
    pub(super) async fn open(mut self, keyring: &Keyring, all: bool) -> Self {
        self.labels = self.found.sealed.open(keyring, self.found.names, self.labels, all).await;
        self
    }

    /// The same without names.
    pub(super) fn nameless(&self) -> Self {
        let found = Found { names: Names::Nothing, sealed: Sealed::default(), ..(*self.found).clone() };
        Self { found: Arc::new(found), labels: Labels::default() }
    }

    pub(super) fn event(&self, view: Uuid, action: Action) -> Event {
        self.found.event(view, action)
    }
}

impl Found {
    fn hides(&self, device: DeviceKey) -> bool {
        self.hidden.contains(&device)
    }

    pub(super) fn event(&self, view: Uuid, action: Action) -> Event {
        let subjects = self.worn.iter().map(|(_, patient)| *patient);
        Event::new(Category::Care, action, Entity::one(EntityKind::LiveView, view)).about(subjects)
    }

    /// `known`: names that were looked for a moment ago are not looked for again, where the same people are to be named.
    /// With when whoever is there has done nothing for too long.
    pub(super) async fn find(
        db: &impl Db,
        who: Who,
        now: Timestamp,
        known: Option<&Self>,
    ) -> Result<(Self, Option<Timestamp>), Error> {
        let (names, locks_at) = names_on_glass(db, who, now).await?;
        let mut found = Self { names, ..Self::default() };
        for row in db.query(SIGHT, &[&At(now)]).await? {
            let device = DeviceKey(row.try_get(0)?);
            match row.try_get::<_, Option<Uuid>>(1)? {
                Some(patient) => found.worn.push((device, PatientId(patient))),
                None => drop(found.hidden.insert(device)),
            }
        }
        found.worn.sort_unstable();
        found.past = Past::find(db, now, |device| !found.hides(device)).await?;
        found.sealed = match known {
            _ if names == Names::Nothing => Sealed::default(),
            Some(known) if known.names == names && known.worn == found.worn => known.sealed.clone(),
            _ => {
                let patients: Vec<Uuid> = found.worn.iter().map(|(_, patient)| patient.0).collect();
                Sealed::find(db, &patients, now).await?
            }
        };
        Ok((found, locks_at))
    }
}
