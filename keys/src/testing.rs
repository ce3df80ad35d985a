//! Keys without a database, for tests of whoever seals.

use ahash::AHashMap;
use parking_lot::Mutex;
use vitals::PatientId;

use crate::cipher::Cipher;
use crate::secret::Secret;
use crate::token::IndexKey;
use crate::{Error, PatientKey, rows};

/// Every statement of this crate on the database of keys, and on the main one.
pub fn statements() -> (Vec<&'static str>, Vec<&'static str>) {
    rows::statements()
}

/// None: destroyed.
#[derive(Default)]
pub(crate) struct InMemory(Mutex<AHashMap<PatientId, Option<PatientKey>>>);

impl InMemory {
    pub(crate) fn find(&self, patient: PatientId) -> Result<PatientKey, Error> {
        let keys = self.0.lock();
        keys.get(&patient).ok_or(Error::NoKey(patient))?.clone().ok_or(Error::Destroyed(patient))
    }

    pub(crate) fn make(&self, patient: PatientId) -> Result<PatientKey, Error> {
        let mut keys = self.0.lock();
        let made = keys.entry(patient).or_insert_with(|| Some(PatientKey::new(patient, &Secret::draw())));
        made.clone().ok_or(Error::Destroyed(patient))
    }
}

pub(crate) fn keys() -> (Vec<Cipher>, Vec<IndexKey>) {
    (vec![Cipher::new(1, &Secret::draw())], vec![IndexKey::new(1, &Secret::draw())])
}
