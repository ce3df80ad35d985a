use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::error::{At, Error};

/// 256 bits: beyond guessing, so the passwords never need changing.
const PASSWORD_BYTES: usize = 32;

/// A password kept in a 0600 file of the caller. Never printed by `Debug`.
pub(crate) struct Secret {
    path: PathBuf,
    text: String,
}

impl Secret {
    pub(crate) fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        if text.is_empty() {
            return Err(Error::NoSecret { path: path.to_owned() });
        }
        Ok(Self { path: path.to_owned(), text })
    }

    /// Replaces any earlier one, by rename: a reader sees the old or the new, never half.
    pub(crate) fn make(path: &Path) -> Result<Self, Error> {
        let source = Path::new("/dev/urandom");
        let mut bytes = [0; PASSWORD_BYTES];
        File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).at("reading", source)?;
        let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = path.with_extension("new");
        Self { path: fresh.clone(), text: text.clone() }.write()?;
        fs::rename(&fresh, path).at("renaming", &fresh)?;
        Ok(Self { path: path.to_owned(), text })
    }

    pub(crate) fn existing_or_new(path: &Path) -> Result<Self, Error> {
        if path.exists() { Self::read(path) } else { Self::make(path) }
    }

    fn write(&self) -> Result<(), Error> {
        if self.path.exists() {
            fs::remove_file(&self.path).at("removing", &self.path)?;
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.path).at("making", &self.path)?;
        writeln!(file, "{}", self.text).and_then(|()| file.sync_all()).at("writing", &self.path)
    }

    /// A copy at `path`, for a program that wants a file of its own user.
    pub(crate) fn copy_to(&self, path: &Path) -> Result<(), Error> {
        Self { path: path.to_owned(), text: self.text.clone() }.write()
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}
