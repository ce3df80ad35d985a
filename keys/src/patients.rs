use std::fmt;
use std::sync::Arc;

use store::Pool;
use vitals::PatientId;
use zeroize::Zeroizing;

use crate::cipher::Cipher;
use crate::load::Wrapping;
use crate::rows;
use crate::secret::Secret;
use crate::{Error, Field};

/// A patient has one key for life; another one is another person's.
const VERSION: i32 = 1;

pub(crate) const WRAPPED: Field = Field::new("patient_keys", "wrapped");

/// Seals and opens what belongs to one patient. For one request: whoever keeps it keeps what shredding promises to destroy.
#[derive(Clone)]
pub struct PatientKey {
    patient: PatientId,
    cipher: Arc<Cipher>,
}

impl PatientKey {
    pub(crate) fn new(patient: PatientId, secret: &Secret) -> Self {
        Self { patient, cipher: Arc::new(Cipher::new(VERSION, secret)) }
    }

    pub fn patient(&self) -> PatientId {
        self.patient
    }

    pub fn seal(&self, field: Field, id: &[u8], plain: &[u8]) -> Vec<u8> {
        self.cipher.seal(field, id, plain)
    }

    /// The error does not tell why; neither does it tell anything of what is sealed.
    pub fn open(&self, field: Field, id: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.cipher.open(field, id, sealed)
    }
}

impl fmt::Debug for PatientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PatientKey({})", self.patient)
    }
}

/// What the database says of a patient's key.
pub(crate) enum Found {
    Key(PatientKey),
    None,
    Destroyed,
    /// Wrapped by a version that we do not know yet, or no more.
    Elsewhere,
}

pub(crate) async fn find(patient: PatientId, wrapping: &Wrapping, keys: &Pool) -> Result<Found, Error> {
    let Some(wrapped) = rows::patient(&keys.get().await?, patient).await? else { return Ok(Found::None) };
    let Some(wrapped) = wrapped else { return Ok(Found::Destroyed) };
    let secret = unwrap(wrapping, patient, &wrapped)?;
    Ok(secret.map_or(Found::Elsewhere, |secret| Found::Key(PatientKey::new(patient, &secret))))
}

/// None: by a version that was not loaded.
pub(crate) fn unwrap(wrapping: &Wrapping, patient: PatientId, wrapped: &[u8]) -> Result<Option<Secret>, Error> {
    wrapping.unwrap(WRAPPED, patient.0.as_bytes(), wrapped)
}

/// Whether a row was made: not where there is one, nor where our wrapping key is not the active one any more.
pub(crate) async fn make(patient: PatientId, wrapping: &Wrapping, keys: &Pool) -> Result<bool, Error> {
    let active = wrapping.active();
    let wrapped = active.seal(WRAPPED, patient.0.as_bytes(), Secret::draw().bytes());
    Ok(rows::add_patient(&keys.get().await?, patient, active.version(), &wrapped).await?)
}

/// By the active wrapping key instead of the one that did.
pub(crate) fn rewrap(wrapping: &Wrapping, patient: PatientId, wrapped: &[u8]) -> Result<Vec<u8>, Error> {
    let secret = unwrap(wrapping, patient, wrapped)?.ok_or(Error::Unopened(WRAPPED))?;
    Ok(wrapping.active().seal(WRAPPED, patient.0.as_bytes(), secret.bytes()))
}
