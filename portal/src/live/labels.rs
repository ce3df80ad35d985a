//! What a glass calls whom it shows. Names are opened once the transaction that found them has ended: keys lie in a database
//! of their own, which may hang, and no connection of the portal waits for it.

use std::fmt;
use std::time::Duration;

use ahash::AHashMap;
use futures_util::future::join_all;
use keys::Keyring;
use store::time::At;
use store::{Db, Error};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;
use vitals::{PatientId, Timestamp};

use crate::identity::Names;
use crate::patients::HumanName;

/// Numbers and alarms do not wait longer than this for names.
const OPENED_WITHIN: Duration = Duration::from_millis(500);

const NAMES: &str = "-- portal::live::names
    SELECT patient_id, id, sealed FROM patient_names
    WHERE patient_id = ANY($1) AND use = 'official' AND valid @> ($2::timestamptz AT TIME ZONE 'UTC')::date
    ORDER BY id LIMIT 100000";

/// Official names of today, as they lie in the database. Prints nothing of them.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Sealed(Vec<(PatientId, Uuid, Vec<u8>)>);

/// What the glass calls somebody. None: nothing, and another try would not help; absent: that is not known yet. Prints
/// nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Labels(AHashMap<PatientId, Option<String>>);

impl Sealed {
    pub(super) async fn find(db: &impl Db, patients: &[Uuid], now: Timestamp) -> Result<Self, Error> {
        let rows = db.query(NAMES, &[&patients, &At(now)]).await?;
        let names = rows.iter().map(|row| Ok((PatientId(row.try_get(0)?), row.try_get(1)?, row.try_get(2)?)));
        names.collect::<Result<_, Error>>().map(Self)
    }

    /// Nobody has to be asked for again.
    pub(super) fn all_in(&self, labels: &Labels) -> bool {
        self.0.iter().all(|(patient, ..)| labels.0.contains_key(patient))
    }

    /// Of `labels`, which are of `before`, those of whom the same lies sealed.
    pub(super) fn keep(&self, before: &Self, labels: &Labels) -> Labels {
        let (rows, had) = (self.by_patient(), before.by_patient());
        let same = |patient: &PatientId| rows.contains_key(patient) && rows.get(patient) == had.get(patient);
        let kept = labels.0.iter().filter(|(patient, _)| same(patient));
        Labels(kept.map(|(patient, label)| (*patient, label.clone())).collect())
    }

    fn by_patient(&self) -> AHashMap<PatientId, Vec<(Uuid, &[u8])>> {
        let mut rows: AHashMap<_, Vec<_>> = AHashMap::new();
        for (patient, row, sealed) in &self.0 {
            rows.entry(*patient).or_default().push((*row, sealed.as_slice()));
        }
        rows
    }

    /// Adds to `labels` those that it lacks, or `all` anew. A name that cannot be opened is none, and its bed is shown all the
    /// same; one that is not opened in time stays what it was.
    pub(super) async fn open(&self, keyring: &Keyring, names: Names, mut labels: Labels, all: bool) -> Labels {
        let until = Instant::now() + OPENED_WITHIN;
        let lacking = self.0.iter().filter(|(patient, ..)| all || !labels.0.contains_key(patient));
        let opening = lacking.map(|(patient, row, sealed)| async move {
            match timeout_at(until, open(keyring, *patient, *row, sealed)).await {
                Ok(Ok(name)) => {
                    let text = if names == Names::Whole { name.whole() } else { name.initials() };
                    Some((*patient, Some(text).filter(|text| !text.is_empty())))
                }
                Ok(Err(error)) => {
                    tracing::warn!(%patient, error = &error as &dyn std::error::Error, "a name cannot be opened");
                    (!matches!(error, keys::Error::Store(_))).then_some((*patient, None))
                }
                Err(_) => {
                    tracing::warn!(%patient, "a name was not opened in time");
                    None
                }
            }
        });
        let mut opened = AHashMap::new();
        for (patient, label) in join_all(opening).await.into_iter().flatten() {
            let known: &mut Option<String> = opened.entry(patient).or_default();
            *known = label.or_else(|| known.take());
        }
        labels.0.extend(opened);
        labels
    }
}

impl Labels {
    pub(super) fn of(&self, patient: PatientId) -> Option<&str> {
        self.0.get(&patient)?.as_deref()
    }
}

async fn open(keyring: &Keyring, patient: PatientId, row: Uuid, sealed: &[u8]) -> Result<HumanName, keys::Error> {
    HumanName::open(&keyring.patient(patient).await?, row, sealed)
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({})", self.0.len())
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Labels({})", self.0.len())
    }
}
