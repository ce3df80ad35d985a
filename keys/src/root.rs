//! The root key: 32 bytes in a file that only its owner reads, outside everything that is dumped or copied with the data; or
//! the same bytes in a file that opens with a vault's key only.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cipher::Cipher;
use crate::place::Place;
use crate::secret::Secret;
use crate::vault::VaultError;
use crate::wrapped::{self, Wrapped};
use crate::{hex, private};

/// How a key file begins; the key follows in hexadecimal.
const MARK: &str = "vigil-root-1:";

/// Why a file is no root key for us. Start is refused.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error("key file {0}")]
    File(PathBuf, #[source] std::io::Error),
    #[error("key file {0}: not a file")]
    NotAFile(PathBuf),
    #[error("key file {0}: others may read or change it (mode {1:03o}); `chmod 600` it")]
    Mode(PathBuf, u32),
    #[error("key file {0}: it belongs to user {1}, not to the one who runs this")]
    Owner(PathBuf, u32),
    #[error("key file {0}: it lies in {1}, and would be copied with the data that it protects")]
    BesideData(PathBuf, PathBuf),
    #[error("key file {0}: not a key file of Vigil")]
    Form(PathBuf),
    #[error("key file {0}: a vault wraps it, and [keys.vault] names none")]
    IsWrapped(PathBuf),
    #[error("key file {0}: no vault wraps it, and [keys.vault] names one")]
    IsPlain(PathBuf),
    #[error("key file {0}: it was changed, or its vault's key is not the one that wrapped it")]
    Altered(PathBuf),
    #[error("key file {0}: version {1} wraps it already, and [keys.vault] pins that: name the new one, or none")]
    Pinned(PathBuf, String),
    #[error("key file {0} exists, and a key is never overwritten")]
    Exists(PathBuf),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

impl RootError {
    /// The vault is away: the same file may do a moment later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Vault(error) if error.is_temporary())
    }
}

/// Where a root key lies, and where it must not.
#[derive(Clone, Debug)]
pub struct RootFile {
    pub path: PathBuf,
    /// State and data folders. Links are followed before anything is compared.
    pub apart_from: Vec<PathBuf>,
}

/// Wraps wrapping keys, nothing else.
#[derive(Clone)]
pub struct RootKey {
    secret: Secret,
    /// What its file holds where a vault wraps it. Such a key is never written as it is.
    wrapped: Option<Wrapped>,
    /// Read again when another root key is told of.
    place: Option<Place>,
}

impl RootKey {
    pub fn read(file: &RootFile) -> Result<Self, RootError> {
        let path = &file.path;
        private::apart(path, &file.apart_from)?;
        let text = private::read(path)?;
        if text.starts_with(wrapped::MARK) {
            return Err(RootError::IsWrapped(path.clone()));
        }
        let bytes = text.strip_prefix(MARK).and_then(|digits| hex::decode(digits.trim_end()));
        let secret = bytes.and_then(|bytes| Secret::read(&bytes)).ok_or_else(|| RootError::Form(path.clone()))?;
        Ok(Self { secret, wrapped: None, place: Some(Place::Plain(file.clone())) })
    }

    /// Draws a new one and writes its file, which must not exist.
    pub fn make(path: &Path) -> Result<(), RootError> {
        Self::draw().write(path)
    }

    /// From where it lies, once more. A wrapped one that is still the same asks no vault.
    pub async fn again(&self) -> Result<Self, RootError> {
        match (&self.place, &self.wrapped) {
            (Some(Place::Wrapped(file)), Some(ours)) if file.look()? == *ours => Ok(self.clone()),
            (Some(place), _) => place.read().await,
            (None, _) => Ok(self.clone()),
        }
    }

    pub(crate) fn is_wrapped_as(&self, other: &Wrapped) -> bool {
        self.wrapped.as_ref() == Some(other)
    }

    /// Into a file that must not exist.
    pub fn write(&self, path: &Path) -> Result<(), RootError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = made.and_then(|mut file| {
            file.write_all(self.text().as_bytes())?;
            file.sync_all()?;
            sync_folder(path)
        });
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RootError::Exists(path.to_owned()),
            _ => RootError::File(path.to_owned(), error),
        })
    }

    fn text(&self) -> Zeroizing<String> {
        // Whole from the beginning: what grows leaves its former self in memory.
        let mut text = Zeroizing::new(String::with_capacity(private::MAX_FILE as usize));
        match &self.wrapped {
            Some(wrapped) => text.push_str(&wrapped.text()),
            None => {
                text.push_str(MARK);
                text.push_str(&hex::encode(self.secret.bytes()));
            }
        }
        text.push('\n');
        text
    }

    /// In place of the one that is there, whole or not at all.
    pub fn replace(&self, path: &Path) -> Result<(), RootError> {
        let failed = |error| RootError::File(path.to_owned(), error);
        // A link stays a link: what it points to is replaced.
        let real = path.canonicalize().map_err(failed)?;
        let mut name = real.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = real.with_file_name(name);
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
            _ => self.write(&fresh)?,
        }
        std::fs::rename(&fresh, &real).and_then(|()| sync_folder(&real)).map_err(failed)
    }

    /// Tells whether a database was made with this key, and nothing of the key.
    pub(crate) fn check_value(&self) -> Vec<u8> {
        self.secret.derive("vigil root check").bytes().to_vec()
    }

    pub(crate) fn cipher(&self) -> Cipher {
        Cipher::new(1, &self.secret.derive("vigil root wrap"))
    }

    pub(crate) fn draw() -> Self {
        Self::of(Secret::draw())
    }

    pub(crate) fn of(secret: Secret) -> Self {
        Self { secret, wrapped: None, place: None }
    }

    pub(crate) fn of_wrapped(secret: Secret, wrapped: Wrapped, place: Place) -> Self {
        Self { secret, wrapped: Some(wrapped), place: Some(place) }
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }
}

/// A name is durable only with its folder.
fn sync_folder(path: &Path) -> std::io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

impl fmt::Debug for RootKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootKey")
    }
}
