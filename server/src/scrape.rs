//! What lets monitoring in from another machine.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use portal::BearerToken;

use crate::config::Config;

/// Characters: a random token of 128 bits in hexadecimal.
const SHORTEST: usize = 32;
/// Bytes that are read of the file.
const LONGEST: u64 = 4_096;

/// As wrong as any other configuration: start is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("read the token of metrics in {0}")]
    Read(PathBuf, #[source] io::Error),
    #[error("{0} is open to others than its owner: `chmod 600` it, and give it a new token")]
    Open(PathBuf),
    #[error("{0} holds no token: one line of {SHORTEST} or more letters, digits and punctuation, without spaces")]
    Form(PathBuf),
}

/// None: only whoever is on this machine reads the metrics.
pub(crate) fn token(config: &Config) -> Result<Option<BearerToken>, Wrong> {
    let Some(path) = &config.metrics.token_file else { return Ok(None) };
    let (mode, text) = read(path).map_err(|error| Wrong::Read(path.clone(), error))?;
    if mode & 0o077 != 0 {
        return Err(Wrong::Open(path.clone()));
    }
    let token = text.trim();
    if token.len() < SHORTEST || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Wrong::Form(path.clone()));
    }
    Ok(Some(BearerToken::new(token)))
}

/// Its rights are those of the file that was read, not of one that has its name by then.
fn read(path: &Path) -> io::Result<(u32, String)> {
    let file = File::open(path)?;
    let mode = file.metadata()?.mode();
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok((mode, text))
}
