//! The file of a root key that a vault's key wraps (decision 0022): the root key is sealed by a key of this file's own, and that
//! one is what the vault wraps. So the root key itself is in no request, no answer and no buffer of a client.

use crate::cipher::Cipher;
use crate::secret::Secret;
use crate::vault::{Vault, VaultError};
use crate::{Field, hex, vault};

/// How the file begins; the version of the vault's key follows, then what it wrapped and what that seals, in hexadecimal.
pub(crate) const MARK: &str = "vigil-vault-root-1:";

const FIELD: Field = Field::new("vault", "root");

#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wrapped {
    version: String,
    wrapped: Vec<u8>,
    /// Bound to the bytes above: neither is changed alone.
    sealed: Vec<u8>,
}

impl Wrapped {
    pub(crate) async fn make(secret: &Secret, vault: &Vault) -> Result<Self, VaultError> {
        let own = Secret::draw();
        let (version, wrapped) = vault.wrap(&own).await?;
        let sealed = Cipher::new(1, &own).seal(FIELD, &wrapped, secret.bytes());
        Ok(Self { version, wrapped, sealed })
    }

    /// None: it was changed, or another key of the same name answers.
    pub(crate) async fn open(&self, vault: &Vault) -> Result<Option<Secret>, VaultError> {
        let Some(own) = vault.unwrap(&self.version, &self.wrapped).await? else { return Ok(None) };
        let opened = Cipher::new(1, &own).open(FIELD, &self.wrapped, &self.sealed).ok();
        Ok(opened.and_then(|bytes| Secret::read(&bytes)))
    }

    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix(MARK)?.split(':');
        let version = parts.next().filter(|version| vault::is_name(version))?.to_owned();
        let (wrapped, sealed) = (hex::decode(parts.next()?)?.to_vec(), hex::decode(parts.next()?)?.to_vec());
        (parts.next().is_none() && !wrapped.is_empty()).then_some(Self { version, wrapped, sealed })
    }

    /// Of the vault's key.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    pub(crate) fn text(&self) -> String {
        let Self { version, wrapped, sealed } = self;
        format!("{MARK}{version}:{}:{}", hex::encode(wrapped).as_str(), hex::encode(sealed).as_str())
    }
}
