use keys::{Error, Field, PatientKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Of `patients`, by the id of the patient: a date as ISO 8601 writes it.
pub(crate) const BIRTH: Field = Field::new("patients", "birth_sealed");

/// By the id of the row.
pub(super) const NAME: Field = Field::new("patient_names", "sealed");

/// A name of a person, as it is sealed: JSON. Prints nothing of itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Name {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) prefix: Option<String>,
    /// In their order; none is known of a newborn.
    #[serde(default)]
    pub(crate) given: Vec<String>,
    pub(crate) family: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) suffix: Option<String>,
}

impl Name {
    pub(crate) fn seal(&self, key: &PatientKey, row: Uuid) -> Vec<u8> {
        let plain = Zeroizing::new(serde_json::to_vec(self).expect("a name is plain data"));
        key.seal(NAME, row.as_bytes(), &plain)
    }

    pub(crate) fn open(key: &PatientKey, row: Uuid, sealed: &[u8]) -> Result<Self, Error> {
        let plain = key.open(NAME, row.as_bytes(), sealed)?;
        serde_json::from_slice(&plain).map_err(|_| Error::Unopened(NAME))
    }

    /// As lists write it: family, then given names.
    pub(crate) fn whole(&self) -> String {
        match self.given.is_empty() {
            true => self.family.clone(),
            false => format!("{}, {}", self.family, self.given.join(" ")),
        }
    }

    /// Of the family and the first given name, in the order of `whole`.
    pub(crate) fn initials(&self) -> String {
        let first = |text: &str| text.chars().find(|letter| letter.is_alphanumeric());
        let letters = [Some(&self.family), self.given.first()].into_iter().flatten().filter_map(|text| first(text));
        letters.flat_map(|letter| letter.to_uppercase().chain(['.'])).collect()
    }
}

#[cfg(test)]
mod tests {
    use keys::Keyring;
    use vitals::{PatientId, Timestamp};

    use super::*;

    fn name(family: &str, given: &[&str]) -> Name {
        let given = given.iter().map(|&text| text.to_owned()).collect();
        Name { prefix: None, given, family: family.to_owned(), suffix: None }
    }

    #[test]
    fn initials_are_of_the_family_and_the_first_given_name() {
        for (family, given, whole, initials) in [
            ("Okafor", &["Grace"][..], "Okafor, Grace", "O.G."),
            ("de la Cruz", &["Ana", "María"], "de la Cruz, Ana María", "D.A."),
            ("Ólafsdóttir", &["ásta"], "Ólafsdóttir, ásta", "Ó.Á."),
            ("'t Hooft", &[], "'t Hooft", "T."),
            ("李", &["明"], "李, 明", "李.明."),
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
        assert!(Name::open(&key, row, &sealed).unwrap() == name);
        assert!(Name::open(&key, Uuid::now_v7(), &sealed).is_err());
    }
}
