//! Files that only their owner reads.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::RootError;

/// Bytes read of what is said to be a key file.
pub(crate) const MAX_FILE: u64 = 4_096;

/// Whether it lies in none of these folders. Links are followed before anything is compared.
pub(crate) fn apart(path: &Path, folders: &[PathBuf]) -> Result<(), RootError> {
    let real = path.canonicalize().map_err(|error| RootError::File(path.to_owned(), error))?;
    // A folder that is not there yet holds nothing.
    match folders.iter().find(|folder| folder.canonicalize().is_ok_and(|folder| real.starts_with(folder))) {
        None => Ok(()),
        Some(folder) => Err(RootError::BesideData(path.to_owned(), folder.clone())),
    }
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, RootError> {
    let failed = |error| RootError::File(path.to_owned(), error);
    let opened = File::open(path).map_err(failed)?;
    // Of what was opened, not of what has the name by now.
    let metadata = opened.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(RootError::NotAFile(path.to_owned()));
    }
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(RootError::Mode(path.to_owned(), mode));
    }
    // The system's administrator reads every file anyway, and hands keys to services.
    if metadata.uid() != rustix::process::geteuid().as_raw() && metadata.uid() != 0 {
        return Err(RootError::Owner(path.to_owned(), metadata.uid()));
    }
    let mut text = Zeroizing::new(String::with_capacity(MAX_FILE as usize));
    opened.take(MAX_FILE).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}
