//! The root key: 32 bytes in a file that only its owner reads, outside everything that is dumped or copied with the data.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::cipher::Cipher;
use crate::hex;
use crate::secret::Secret;

/// How a key file begins; the key follows in hexadecimal.
const MARK: &str = "vigil-root-1:";

/// Bytes read of what is said to be a key file.
const MAX_FILE: u64 = 4_096;

/// Why a file is no root key for us. Start is refused.
#[derive(Debug, thiserror::Error)]
pub enum RootError {
    #[error("root key {0}")]
    File(PathBuf, #[source] std::io::Error),
    #[error("root key {0}: not a file")]
    NotAFile(PathBuf),
    #[error("root key {0}: others may read or change it (mode {1:03o}); `chmod 600` it")]
    Mode(PathBuf, u32),
    #[error("root key {0}: it belongs to user {1}, not to the one who runs this")]
    Owner(PathBuf, u32),
    #[error("root key {0}: it lies in {1}, and would be copied with the data that it protects")]
    BesideData(PathBuf, PathBuf),
    #[error("root key {0}: not a key file of Vigil")]
    Form(PathBuf),
    #[error("root key {0} exists, and a key is never overwritten")]
    Exists(PathBuf),
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
    /// Read again when another root key is told of.
    file: Option<RootFile>,
}

impl RootKey {
    pub fn read(file: &RootFile) -> Result<Self, RootError> {
        let path = &file.path;
        let failed = |error| RootError::File(path.clone(), error);
        let real = path.canonicalize().map_err(failed)?;
        for folder in &file.apart_from {
            // A folder that is not there yet holds nothing.
            if folder.canonicalize().is_ok_and(|folder| real.starts_with(folder)) {
                return Err(RootError::BesideData(path.clone(), folder.clone()));
            }
        }
        let opened = File::open(&real).map_err(failed)?;
        // Of what was opened, not of what has the name by now.
        let metadata = opened.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(RootError::NotAFile(path.clone()));
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(RootError::Mode(path.clone(), mode));
        }
        // The system's administrator reads every file anyway, and hands keys to services.
        if metadata.uid() != rustix::process::geteuid().as_raw() && metadata.uid() != 0 {
            return Err(RootError::Owner(path.clone(), metadata.uid()));
        }
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize));
        opened.take(MAX_FILE).read_to_string(&mut text).map_err(failed)?;
        let bytes = text.strip_prefix(MARK).and_then(|digits| hex::decode(digits.trim_end()));
        let secret = bytes.and_then(|bytes| Secret::read(&bytes)).ok_or_else(|| RootError::Form(path.clone()))?;
        Ok(Self { secret, file: Some(file.clone()) })
    }

    /// Draws a new one and writes its file, which must not exist.
    pub fn make(path: &Path) -> Result<(), RootError> {
        Self::of(Secret::draw()).write(path)
    }

    /// Into a file that must not exist.
    pub fn write(&self, path: &Path) -> Result<(), RootError> {
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let written = made.and_then(|mut file| {
            // Whole from the beginning: what grows leaves its former self in memory.
            let mut text = Zeroizing::new(String::with_capacity(2 * MAX_FILE as usize));
            for part in [MARK, hex::encode(self.secret.bytes()).as_str(), "\n"] {
                text.push_str(part);
            }
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            sync_folder(path)
        });
        written.map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => RootError::Exists(path.to_owned()),
            _ => RootError::File(path.to_owned(), error),
        })
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

    pub(crate) fn of(secret: Secret) -> Self {
        Self { secret, file: None }
    }

    pub(crate) fn secret(&self) -> &Secret {
        &self.secret
    }

    pub fn file(&self) -> Option<&RootFile> {
        self.file.as_ref()
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
