//! How far a chain has come, signed with a key that no role of the database can read.

use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vitals::Timestamp;

use super::chain::Place;
use super::hex;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the signing key {0}")]
    File(PathBuf, #[source] io::Error),
    #[error("the signing key {0} may be read by others: chmod 600")]
    Open(PathBuf),
    #[error("{0} holds no Ed25519 key")]
    Form(PathBuf),
}

pub(crate) struct Signer(Ed25519KeyPair);

/// Signs nothing, and checks what was signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// As it stands in `audit_heads`, and as one line of JSON wherever else heads are written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    pub(crate) stream: Uuid,
    pub(crate) seq: i64,
    #[serde(with = "hex")]
    pub(crate) hash: [u8; 32],
    pub(crate) at: Timestamp,
    #[serde(with = "hex")]
    pub(crate) signature: [u8; 64],
}

impl Signer {
    /// The key in this file, made where there is none; its public half is written beside it, as `….pub`.
    pub(crate) fn open(file: &Path) -> Result<Self, KeyError> {
        let failed = |error| KeyError::File(file.to_owned(), error);
        let key = match fs::read(file) {
            Ok(key) => key,
            Err(error) if error.kind() == io::ErrorKind::NotFound => make(file).map_err(failed)?,
            Err(error) => return Err(failed(error)),
        };
        if fs::metadata(file).map_err(failed)?.permissions().mode() & 0o077 != 0 {
            return Err(KeyError::Open(file.to_owned()));
        }
        let signer = Ed25519KeyPair::from_pkcs8(&key).map(Self).map_err(|_| KeyError::Form(file.to_owned()))?;
        let public = beside(file);
        if !public.exists() {
            fs::write(&public, format!("{}\n", signer.public_key())).map_err(failed)?;
        }
        Ok(signer)
    }

    pub(crate) fn public_key(&self) -> PublicKey {
        PublicKey(self.0.public_key().as_ref().try_into().expect("a public key of Ed25519 has 32 bytes"))
    }

    pub(crate) fn sign(&self, place: Place, at: Timestamp) -> Head {
        let signature = self.0.sign(&signed(place, at));
        let signature = signature.as_ref().try_into().expect("a signature of Ed25519 has 64 bytes");
        Head { stream: place.stream, seq: place.seq, hash: place.hash, at, signature }
    }
}

impl PublicKey {
    /// Reads what [`Signer::open`] wrote beside its key.
    pub fn read(file: &Path) -> Result<Self, KeyError> {
        let text = fs::read_to_string(file).map_err(|error| KeyError::File(file.to_owned(), error))?;
        hex::parse(text.trim()).map(Self).ok_or_else(|| KeyError::Form(file.to_owned()))
    }

    pub(crate) fn signed(&self, head: &Head) -> bool {
        let message = signed(Place { stream: head.stream, seq: head.seq, hash: head.hash }, head.at);
        UnparsedPublicKey::new(&ED25519, self.0).verify(&message, &head.signature).is_ok()
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&hex::print(&self.0))
    }
}

fn signed(Place { stream, seq, hash }: Place, at: Timestamp) -> Vec<u8> {
    [b"vigil audit head 1", &stream.as_bytes()[..], &seq.to_be_bytes(), &hash, &at.micros().to_be_bytes()].concat()
}

/// Under another name until it is whole: whoever is killed on the way leaves no half of a key.
fn make(file: &Path) -> io::Result<Vec<u8>> {
    let pair = Ed25519KeyPair::generate().map_err(|_| io::Error::other("no randomness"))?;
    let key = pair.to_pkcs8().map_err(|_| io::Error::other("a key that cannot be written"))?;
    let raw = file.with_extension("raw");
    let mut to = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&raw)?;
    to.set_permissions(Permissions::from_mode(0o600))?;
    to.write_all(key.as_ref())?;
    to.sync_all()?;
    fs::rename(&raw, file)?;
    Ok(key.as_ref().to_vec())
}

pub(crate) fn beside(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".pub");
    name.into()
}
