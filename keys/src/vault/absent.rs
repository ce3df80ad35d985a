use super::{Settings, VaultError};
use crate::secret::Secret;

/// There is none.
#[derive(Clone, Debug)]
pub enum Vault {}

impl Vault {
    pub fn new(_: &Settings) -> Result<Self, VaultError> {
        Err(VaultError::NotBuilt)
    }

    pub(crate) fn version(&self) -> Option<&str> {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "the other one asks a vault")]
    pub(crate) async fn wrap(&self, _: &Secret) -> Result<(String, Vec<u8>), VaultError> {
        match *self {}
    }

    #[expect(clippy::unused_async, reason = "the other one asks a vault")]
    pub(crate) async fn unwrap(&self, _: &str, _: &[u8]) -> Result<Option<Secret>, VaultError> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;

    #[test]
    fn who_asks_for_a_vault_is_told_what_was_not_built() {
        let settings = Settings::new("https://wards.example", "root", Identity::Managed { client: None });
        let error = Vault::new(&settings).unwrap_err();
        assert!(error.to_string().contains("`azure`") && !error.is_temporary(), "{error}");
    }
}
