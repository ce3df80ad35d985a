use std::time::Duration;

use tokio::time::timeout;
use vitals::PatientId;

use super::model::Patient;
use super::store::{self, Unreadable};
use crate::app::App;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Outcome, Purpose};
use crate::caller::{Caller, Read};
use crate::web::{ApiError, Json};

/// Also of whom nobody is told, and of whom nothing can be read any more.
const UNKNOWN: ApiError = ApiError::NotFound { code: "not_found", detail: "no patient has this id" };

/// A connection is held meanwhile: a key store that hangs must not take them all.
const KEY_WITHIN: Duration = Duration::from_secs(1);

/// What there was to see of whom was asked for.
enum Found {
    Patient(Box<Patient>),
    NoRelation,
    Unknown,
}

pub(super) async fn show(patient: PatientId, app: App, caller: Caller) -> Result<Json<Patient>, ApiError> {
    let read = Read::begin(&caller, Purpose::Treatment).await?;
    let found = read.find(async |db| {
        let Some(stored) = store::banner(db, patient, app.clock.now()).await? else {
            let related = store::standing(db, patient).await? != "no_relation";
            return Ok::<_, ApiError>(if related { Found::Unknown } else { Found::NoRelation });
        };
        let opened = if stored.sealed() {
            let key = match timeout(KEY_WITHIN, app.keyring.patient(patient)).await.map_err(|_| keys_away())? {
                Err(keys::Error::Destroyed(_)) => return Ok(Found::Unknown),
                key => key?,
            };
            stored.open(|field, id, sealed| key.open(field, id, sealed))
        } else {
            stored.open(|_, _, _| Err(keys::Error::NoKey(patient)))
        };
        Ok(Found::Patient(Box::new(opened?)))
    });
    let found = found.await?;
    match read.seen(found, |found| event(patient, found)).await? {
        Found::Patient(patient) => Ok(Json(*patient)),
        Found::NoRelation => Err(ApiError::no_relation()),
        Found::Unknown => Err(UNKNOWN),
    }
}

fn keys_away() -> ApiError {
    ApiError::Unavailable { code: "keys_away", detail: "the key store does not answer".to_owned() }
}

fn event(patient: PatientId, found: &Found) -> Event {
    let entity = Entity::one(EntityKind::Patient, patient.0);
    let (entity, outcome) = match found {
        Found::Patient(found) => (entity.version(found.version), Outcome::Success),
        Found::NoRelation | Found::Unknown => (entity, Outcome::Refused),
    };
    Event::new(Category::Care, Action::Read, entity).about([patient]).outcome(outcome)
}

impl From<Unreadable> for ApiError {
    fn from(error: Unreadable) -> Self {
        match error {
            Unreadable::Key(error) => Self::Keys(error),
            Unreadable::Form(_) => {
                tracing::error!(error = &error as &dyn std::error::Error, "what is sealed of a patient cannot be read");
                Self::Unavailable {
                    code: "unreadable",
                    detail: "what is kept of this patient cannot be read".to_owned(),
                }
            }
        }
    }
}
