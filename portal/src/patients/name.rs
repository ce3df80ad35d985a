use std::fmt;

use keys::{Error, Field, PatientKey};
use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Of `patients`, by the id of the patient: a date as ISO 8601 writes it.
pub(crate) const BIRTH: Field = Field::new("patients", "birth_sealed");

/// By the id of the row.
pub(super) const NAME: Field = Field::new("patient_names", "sealed");

/// A name of a person in its parts, as it is sealed too: JSON. Prints nothing of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct HumanName {
    pub(crate) prefix: Option<String>,
    /// In their order; none is known of a newborn.
    #[serde(default)]
    #[schema(required = true)]
    pub(crate) given: Vec<String>,
    pub(crate) family: Option<String>,
    pub(crate) suffix: Option<String>,
}

impl HumanName {
    pub(crate) fn seal(&self, key: &PatientKey, row: Uuid) -> Vec<u8> {
        let plain = Zeroizing::new(serde_json::to_vec(self).expect("a name is plain data"));
        key.seal(NAME, row.as_bytes(), &plain)
    }

    pub(crate) fn open(key: &PatientKey, row: Uuid, sealed: &[u8]) -> Result<Self, Error> {
        let plain = key.open(NAME, row.as_bytes(), sealed)?;
        Self::read(&plain).ok_or(Error::Unopened(NAME))
    }

    /// What was sealed. None: it is no name.
    pub(super) fn read(plain: &[u8]) -> Option<Self> {
        serde_json::from_slice(plain).ok()
    }

    /// As lists write it: family, then given names.
    pub(crate) fn whole(&self) -> String {
        let given = Some(self.given.join(" ")).filter(|given| !given.is_empty());
        self.family.iter().cloned().chain(given).collect::<Vec<_>>().join(", ")
    }

    /// Of the family and the first given name, in the order of `whole`.
    pub(crate) fn initials(&self) -> String {
        let first = |text: &String| text.chars().find(|letter| letter.is_alphanumeric());
        let letters = [self.family.as_ref(), self.given.first()].into_iter().flatten().filter_map(first);
        letters.flat_map(|letter| letter.to_uppercase().chain(['.'])).collect()
    }
}

impl fmt::Debug for HumanName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HumanName")
    }
}

#[cfg(test)]
mod tests {
    use keys::Keyring;
    use vitals::{PatientId, Timestamp};

    use super::*;

    fn name(family: &str, given: &[&str]) -> HumanName {
        let given = given.iter().map(|&text| text.to_owned()).collect();
        HumanName {
            prefix: None,
            given,
            family: Some(family.to_owned()).filter(|family| !family.is_empty()),
            suffix: None,
        }
    }

    #[test]
    fn initials_are_of_the_family_and_the_first_given_name() {
        for (family, given, whole, initials) in [
            ("Okafor", &["Grace"][..], "Okafor, Grace", "O.G."),
            ("de la Cruz", &["Ana", "María"], "de la Cruz, Ana María", "D.A."),
            ("Ólafsdóttir", &["ásta"], "Ólafsdóttir, ásta", "Ó.Á."),
            ("'t Hooft", &[], "'t Hooft", "T."),
            ("李", &["明"], "李, 明", "李.明."),
            ("", &["Madonna", "Louise"], "Madonna Louise", "M."),
            ("", &[], "", ""),
        ] {
            let name = name(family, given);
            assert_eq!((name.whole(), name.initials()), (whole.to_owned(), initials.to_owned()));
        }
    }

    #[tokio::test]
    async fn a_name_opens_in_its_row_and_in_no_other() {
        let (keyring, now) = (Keyring::for_tests(), Timestamp::from_millis(0));
        let key = keyring.make_patient(PatientId::new(now)).await.unwrap();
        let (name, row) = (name("Okafor", &["Grace"]), Uuid::now_v7());
        let sealed = name.seal(&key, row);
        assert!(!sealed.windows(6).any(|bytes| bytes == b"Okafor"));
        assert_eq!(HumanName::open(&key, row, &sealed).unwrap(), name);
        assert_eq!(format!("{name:?}"), "HumanName");
        assert!(HumanName::open(&key, Uuid::now_v7(), &sealed).is_err());
    }
}
