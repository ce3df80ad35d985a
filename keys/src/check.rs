use store::Pool;

use crate::keyring::Keyring;
use crate::root::RootKey;
use crate::{Error, load, patients, rows};

/// Patients that are looked at together.
const PAGE: i64 = 1_000;

/// What a root key was found to open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    pub patients: u64,
    /// Of whom nothing is left to be opened.
    pub destroyed: u64,
}

impl Keyring {
    /// Whether this root key opens what is there, or there is nothing yet. Makes no key: a database that is being restored
    /// stays as it is.
    pub async fn fits(root: &RootKey, main: &Pool, keys: &Pool) -> Result<(), Error> {
        let (main, keys) = (main.get().await?, keys.get().await?);
        if rows::roots(&keys).await?.is_empty() {
            return if rows::system(&main).await?.is_empty() { Ok(()) } else { Err(Error::Apart) };
        }
        load::load(root, &main, &keys).await.map(drop)
    }

    /// Opens every key there is, of the system and of each patient, and makes none: an error where one does not open, and
    /// where there are none at all.
    pub async fn check(root: &RootKey, main: &Pool, keys: &Pool) -> Result<Checked, Error> {
        let (main, keys) = (main.get().await?, keys.get().await?);
        let loaded = load::load(root, &main, &keys).await?;
        let (mut checked, mut after) = (Checked::default(), None);
        loop {
            let page = rows::patients_after(&keys, after, PAGE).await?;
            let Some((last, _)) = page.last() else { return Ok(checked) };
            after = Some(*last);
            for (patient, wrapped) in page {
                match wrapped {
                    None => checked.destroyed += 1,
                    Some(wrapped) => {
                        patients::unwrap(&loaded.wrapping, patient, &wrapped)?.ok_or(Error::Unsettled)?;
                        checked.patients += 1;
                    }
                }
            }
        }
    }
}
