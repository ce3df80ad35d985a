use std::path::{Path, PathBuf};

use crate::private;
use crate::root::{RootError, RootFile, RootKey};
use crate::vault::Vault;
use crate::wrapped::{self, Wrapped};

/// Where a root key lies, and as what.
#[derive(Clone, Debug)]
pub enum Place {
    Plain(RootFile),
    Wrapped(WrappedFile),
}

/// A root key that opens with a key of this vault. Its file may lie beside the data: without the vault it is of no use.
#[derive(Clone, Debug)]
pub struct WrappedFile {
    pub path: PathBuf,
    pub vault: Vault,
}

impl Place {
    pub fn path(&self) -> &Path {
        match self {
            Self::Plain(file) => &file.path,
            Self::Wrapped(file) => &file.path,
        }
    }

    /// Whether the file can be our root key, as far as the file itself tells. Asks no vault.
    pub fn look(&self) -> Result<(), RootError> {
        match self {
            Self::Plain(file) => RootKey::read(file).map(drop),
            Self::Wrapped(file) => file.look().map(drop),
        }
    }

    pub async fn read(&self) -> Result<RootKey, RootError> {
        match self {
            Self::Plain(file) => RootKey::read(file),
            Self::Wrapped(file) => {
                let wrapped = file.look()?;
                let secret = wrapped.open(&file.vault).await?;
                let secret = secret.ok_or_else(|| RootError::Altered(file.path.clone()))?;
                Ok(RootKey::of_wrapped(secret, wrapped, self.clone()))
            }
        }
    }

    /// Draws a new root key. The file must not exist.
    pub async fn make(&self) -> Result<(), RootError> {
        // Before a vault is asked for anything.
        if self.path().symlink_metadata().is_ok() {
            return Err(RootError::Exists(self.path().to_owned()));
        }
        self.write(&RootKey::draw()).await
    }

    /// This key as this place keeps one. The file must not exist.
    pub async fn write(&self, root: &RootKey) -> Result<(), RootError> {
        match self {
            Self::Plain(file) => RootKey::of(root.secret().clone()).write(&file.path),
            Self::Wrapped(_) => self.wrap(root).await?.write(self.path()),
        }
    }

    /// The same key, wrapped by the version of the vault's key that is the newest by now. None: no vault wraps it.
    pub async fn wrap_again(&self, root: &RootKey) -> Result<Option<()>, RootError> {
        match self {
            Self::Plain(_) => Ok(None),
            Self::Wrapped(_) => self.wrap(root).await?.replace(self.path()).map(Some),
        }
    }

    /// Proves that it opens again: an identity may be allowed to wrap, and not to unwrap.
    async fn wrap(&self, root: &RootKey) -> Result<RootKey, RootError> {
        let Self::Wrapped(file) = self else { return Ok(RootKey::of(root.secret().clone())) };
        let wrapped = Wrapped::make(root.secret(), &file.vault).await?;
        let opened = wrapped.open(&file.vault).await?;
        let opened = opened.filter(|opened| opened.bytes() == root.secret().bytes());
        let secret = opened.ok_or_else(|| RootError::Altered(file.path.clone()))?;
        Ok(RootKey::of_wrapped(secret, wrapped, self.clone()))
    }
}

impl WrappedFile {
    pub(crate) fn look(&self) -> Result<Wrapped, RootError> {
        let text = private::read(&self.path)?;
        match Wrapped::read(text.trim_end()) {
            Some(wrapped) => Ok(wrapped),
            None if text.starts_with(wrapped::MARK) => Err(RootError::Form(self.path.clone())),
            None => Err(RootError::IsPlain(self.path.clone())),
        }
    }
}
