//! The recovery file: the root key under a passphrase, for the safe. With a copy of both databases it opens everything.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::rand;
use zeroize::Zeroizing;

use crate::Field;
use crate::cipher::Cipher;
use crate::hex;
use crate::root::RootKey;
use crate::secret::{LENGTH, Secret};

/// How the file begins; salt and sealed key follow in hexadecimal. The format fixes the cost of the passphrase.
const MARK: &str = "vigil-recovery-1:";

const FIELD: Field = Field::new("recovery", "root");

/// Of argon2id, beyond OWASP's for signing in: this file can be tried for years, and is opened once. About a second.
const MEMORY_KIB: u32 = 256 * 1024;
const PASSES: u32 = 4;
const LANES: u32 = 1;

const SALT: usize = 16;

/// Characters of a passphrase at the least: whoever has the file can try without a limit.
pub const SHORTEST_PASSPHRASE: usize = 16;

#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    #[error("a passphrase has at least {SHORTEST_PASSPHRASE} characters")]
    Short,
    #[error("not a recovery file of Vigil")]
    Form,
    #[error("the passphrase does not open this recovery file, or the file was changed")]
    Unopened,
}

/// The text of a recovery file.
pub fn export(root: &RootKey, passphrase: &str) -> Result<Zeroizing<String>, RecoveryError> {
    if passphrase.chars().count() < SHORTEST_PASSPHRASE {
        return Err(RecoveryError::Short);
    }
    let mut salt = [0; SALT];
    rand::fill(&mut salt).expect("the system's generator gives or ends the process");
    let sealed = cipher(passphrase, &salt).seal(FIELD, &salt, root.secret().bytes());
    Ok(Zeroizing::new(format!("{MARK}{}:{}\n", hex::encode(&salt).as_str(), hex::encode(&sealed).as_str())))
}

/// The root key of a recovery file.
pub fn import(text: &str, passphrase: &str) -> Result<RootKey, RecoveryError> {
    let (salt, sealed) =
        text.trim().strip_prefix(MARK).and_then(|rest| rest.split_once(':')).ok_or(RecoveryError::Form)?;
    let (salt, sealed) =
        (hex::decode(salt).ok_or(RecoveryError::Form)?, hex::decode(sealed).ok_or(RecoveryError::Form)?);
    if salt.len() != SALT {
        return Err(RecoveryError::Form);
    }
    let opened = cipher(passphrase, &salt).open(FIELD, &salt, &sealed).map_err(|_| RecoveryError::Unopened)?;
    Secret::read(&opened).map(RootKey::of).ok_or(RecoveryError::Form)
}

fn cipher(passphrase: &str, salt: &[u8]) -> Cipher {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(LENGTH)).expect("parameters within argon2's limits");
    let mut key = Zeroizing::new([0; LENGTH]);
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into(passphrase.as_bytes(), salt, &mut key[..])
        .expect("a salt and a length within argon2's limits");
    Cipher::new(1, &Secret::read(&key[..]).expect("32 bytes"))
}
