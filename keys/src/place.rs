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
            Self::Wrapped(file) => file.read().await,
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
            Self::Wrapped(file) => file.wrap(root).await?.0.write(&file.path),
        }
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

    pub(crate) async fn read(&self) -> Result<RootKey, RootError> {
        let wrapped = self.look()?;
        let secret = wrapped.open(&self.vault).await?;
        let secret = secret.ok_or_else(|| RootError::Altered(self.path.clone()))?;
        Ok(RootKey::of_wrapped(secret, wrapped, Place::Wrapped(self.clone())))
    }

    /// A version that is pinned and wraps the file already: nothing would be another.
    pub(crate) fn pinned(&self) -> Result<(), RootError> {
        match self.vault.version() {
            Some(version) if self.look()?.version() == version => {
                Err(RootError::Pinned(self.path.clone(), version.to_owned()))
            }
            _ => Ok(()),
        }
    }

    /// Proves that it opens again: an identity may be allowed to wrap, and not to unwrap. With the version that wrapped.
    #[cfg_attr(not(feature = "azure"), expect(unused_variables, reason = "without it there is no vault that wraps"))]
    pub(crate) async fn wrap(&self, root: &RootKey) -> Result<(RootKey, String), RootError> {
        let wrapped = Wrapped::make(root.secret(), &self.vault).await?;
        let opened = wrapped.open(&self.vault).await?;
        let opened = opened.filter(|opened| opened.bytes() == root.secret().bytes());
        let secret = opened.ok_or_else(|| RootError::Altered(self.path.clone()))?;
        let version = wrapped.version().to_owned();
        Ok((RootKey::of_wrapped(secret, wrapped, Place::Wrapped(self.clone())), version))
    }
}
