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

/// What the glass calls somebody, where it calls him anything. Prints nothing of it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Labels(AHashMap<PatientId, String>);

impl Sealed {
    pub(super) async fn find(db: &impl Db, patients: &[Uuid], now: Timestamp) -> Result<Self, Error> {
        let rows = db.query(NAMES, &[&patients, &At(now)]).await?;
        let names = rows.iter().map(|row| Ok((PatientId(row.try_get(0)?), row.try_get(1)?, row.try_get(2)?)));
        names.collect::<Result<_, Error>>().map(Self)
    }

    /// A name that cannot be opened, or not in time, is none, and its bed is shown all the same.
    pub(super) async fn open(&self, keyring: &Keyring, names: Names) -> Labels {
        let until = Instant::now() + OPENED_WITHIN;
        let opened = self.0.iter().map(|(patient, row, sealed)| async move {
            match timeout_at(until, open(keyring, *patient, *row, sealed)).await {
                Ok(Ok(name)) if names == Names::Whole => Some((*patient, name.whole())),
                Ok(Ok(name)) => Some((*patient, name.initials())),
                Ok(Err(error)) => {
                    tracing::warn!(%patient, error = &error as &dyn std::error::Error, "a name cannot be opened");
                    None
                }
                Err(_) => {
                    tracing::warn!(%patient, "a name was not opened in time");
                    None
                }
            }
        });
        Labels(join_all(opened).await.into_iter().flatten().collect())
    }
}

impl Labels {
    pub(super) fn of(&self, patient: PatientId) -> Option<&str> {
        self.0.get(&patient).map(String::as_str)
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
