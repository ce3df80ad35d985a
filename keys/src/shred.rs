//! A patient is forgotten by destroying one key: everything sealed with it is noise from then on, in every copy.

use vitals::{PatientId, Timestamp, UserId};

use crate::rotate::Databases;
use crate::{Error, rows};

/// Hours of a day, in milliseconds.
const DAY_MS: i64 = 86_400_000;

/// Who wants it, and who agreed. Whether they may, and that they are who they say, was asked before.
#[derive(Clone, Copy, Debug)]
pub struct TwoPersons {
    by: UserId,
    approved_by: UserId,
}

impl TwoPersons {
    /// None where they are the same one.
    pub fn new(by: UserId, approved_by: UserId) -> Option<Self> {
        (by != approved_by).then_some(Self { by, approved_by })
    }
}

/// When it was done, and from when on no backup brings it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shredded {
    pub at: Timestamp,
    pub final_from: Timestamp,
    /// Whether all was done: no process has the key any more, and nothing finds the patient. Else the call is to be repeated.
    pub everywhere: bool,
}

/// Destroys the key of a patient, and the tokens by which he was found. Refused while anything of his is on legal hold.
/// Returns once no process that follows has the key any more, or says that one may have it. Repeated, it finishes what was
/// broken off, and answers as it did before. `backups_kept_days`: how long a copy of the key store, or of its log, is kept.
pub async fn shred(
    patient: PatientId,
    persons: TwoPersons,
    databases: &Databases,
    now: Timestamp,
    backups_kept_days: u16,
) -> Result<Shredded, Error> {
    let (mut of_main, client) = (databases.main.get().await?, databases.keys.get().await?);
    let tx = of_main.transaction().await.map_err(store::Error::from)?;
    // Holds the patient's row, so that no legal hold falls between the look and the deed.
    rows::forget_tokens(&tx, patient).await.map_err(|error| match error.constraint() {
        Some("patients_legal_hold") => Error::LegalHold(patient),
        Some("patients_exists") => Error::NoKey(patient),
        _ => Error::Store(error),
    })?;
    let at = rows::destroy_patient(&client, patient, now).await?.ok_or(Error::NoKey(patient))?;
    // The key first: a patient who is found and cannot be read is a smaller harm than one who can be read and is not found.
    let rest = async {
        tx.commit().await.map_err(store::Error::from)?;
        databases.tell(&client).await
    };
    let rest = rest.await;
    if let Err(error) = &rest {
        tracing::error!(patient.id = %patient, error = error as &dyn std::error::Error, "the key is destroyed, and not all is done");
    }
    let TwoPersons { by, approved_by } = persons;
    tracing::warn!(patient.id = %patient, user.id = %by, approver.id = %approved_by, "the key of a patient was destroyed");
    Ok(Shredded { at, final_from: at.plus_millis(i64::from(backups_kept_days) * DAY_MS), everywhere: rest.is_ok() })
}
