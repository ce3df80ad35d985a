use std::fmt;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use futures_util::future::try_join_all;
use keys::Keyring;
use store::time::At;
use store::{Db, Error};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;
use vitals::{DeviceKey, PatientId, Timestamp};

use super::past::Past;
use super::protocol::OnDevice;
use crate::audit::{Action, Category, Entity, EntityKind, Event};
use crate::caller::Who;
use crate::identity::{Names, names_on_glass};
use crate::patients::Name;

/// Numbers and alarms do not wait longer than this for names: keys lie in a database of their own, which may hang.
const OPENED_WITHIN: Duration = Duration::from_millis(500);

const SIGHT: &str = "-- portal::live::sight
    SELECT device_key, patient_id FROM sight($1) LIMIT 100000";

const NAMES: &str = "-- portal::live::names
    SELECT patient_id, id, sealed FROM patient_names
    WHERE patient_id = ANY($1) AND use = 'official' AND valid @> ($2::timestamptz AT TIME ZONE 'UTC')::date LIMIT 100000";

/// What a screen may show now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sight {
    /// Devices on somebody who may not be seen, and of a station also what is on nobody and kept elsewhere. Whatever else is
    /// on nobody is seen: a bed's alarm waits for no name.
    hidden: AHashSet<DeviceKey>,
    /// Which of the others is on whom, in the order of devices.
    worn: Vec<(DeviceKey, PatientId)>,
    /// What they measured of others.
    pub(super) past: Past,
    names: Names,
    labels: Labels,
}

/// What the glass calls somebody, where it calls him anything. Prints nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
struct Labels(AHashMap<PatientId, String>);

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Labels({})", self.0.len())
    }
}

/// Whose glass it is, and what opens names.
pub(super) struct Looker<'a> {
    pub(super) who: Who,
    pub(super) keyring: &'a Keyring,
    pub(super) now: Timestamp,
}

impl Sight {
    pub(crate) fn hides(&self, device: DeviceKey) -> bool {
        self.hidden.contains(&device)
    }

    /// Who this device is on. None also where the glass is to tell nothing of him.
    pub(crate) fn on(&self, device: DeviceKey) -> Option<OnDevice> {
        if self.names == Names::Nothing {
            return None;
        }
        let id = self.wearer(device)?;
        Some(OnDevice { id, label: self.labels.0.get(&id).cloned() })
    }

    /// On whom it is, if he may be seen.
    pub(super) fn wearer(&self, device: DeviceKey) -> Option<PatientId> {
        let found = self.worn.binary_search_by_key(&device, |(device, _)| *device).ok()?;
        Some(self.worn[found].1)
    }

    /// The same without names.
    pub(super) fn nameless(&self) -> Self {
        Self { names: Names::Nothing, labels: Labels::default(), ..self.clone() }
    }

    pub(super) fn event(&self, view: Uuid, action: Action) -> Event {
        let subjects = self.worn.iter().map(|(_, patient)| *patient);
        Event::new(Category::Care, action, Entity::one(EntityKind::LiveView, view)).about(subjects)
    }

    /// `known`: names that were opened a moment ago need not be opened again for the same people.
    pub(super) async fn find(db: &impl Db, looker: &Looker<'_>, known: Option<&Self>) -> Result<Self, Error> {
        let names = names_on_glass(db, looker.who, looker.now).await?;
        let mut sight = Self { names, ..Self::default() };
        for row in db.query(SIGHT, &[&At(looker.now)]).await? {
            let device = DeviceKey(row.try_get(0)?);
            match row.try_get::<_, Option<Uuid>>(1)? {
                Some(patient) => sight.worn.push((device, PatientId(patient))),
                None => drop(sight.hidden.insert(device)),
            }
        }
        sight.worn.sort_unstable();
        sight.past = Past::find(db, looker.now, |device| !sight.hides(device)).await?;
        sight.labels = match known {
            _ if names == Names::Nothing => Labels::default(),
            Some(known) if known.names == names && known.worn == sight.worn => known.labels.clone(),
            _ => labels(db, looker, &sight.worn, names).await?,
        };
        Ok(sight)
    }
}

/// A name that cannot be opened, or not in time, is none, and its bed is shown all the same.
async fn labels(
    db: &impl Db,
    looker: &Looker<'_>,
    worn: &[(DeviceKey, PatientId)],
    names: Names,
) -> Result<Labels, Error> {
    let patients: Vec<Uuid> = worn.iter().map(|(_, patient)| patient.0).collect();
    let rows = db.query(NAMES, &[&patients, &At(looker.now)]).await?;
    let until = Instant::now() + OPENED_WITHIN;
    let opened = rows.iter().map(|row| async move {
        let (patient, sealed) = (PatientId(row.try_get(0)?), row.try_get::<_, &[u8]>(2)?);
        let label = match timeout_at(until, open(looker.keyring, patient, row.try_get(1)?, sealed)).await {
            Ok(Ok(name)) if names == Names::Whole => Some(name.whole()),
            Ok(Ok(name)) => Some(name.initials()),
            Ok(Err(error)) => {
                tracing::warn!(%patient, error = &error as &dyn std::error::Error, "a name cannot be opened");
                None
            }
            Err(_) => {
                tracing::warn!(%patient, "a name was not opened in time");
                None
            }
        };
        Ok::<_, Error>((patient, label))
    });
    let mut labels = Labels::default();
    for (patient, label) in try_join_all(opened).await? {
        labels.0.extend(label.map(|label| (patient, label)));
    }
    Ok(labels)
}

async fn open(keyring: &Keyring, patient: PatientId, row: Uuid, sealed: &[u8]) -> Result<Name, keys::Error> {
    Name::open(&keyring.patient(patient).await?, row, sealed)
}
