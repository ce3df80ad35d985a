//! Sealing with one key: AES-256-GCM-SIV, which forgives a nonce that came twice (RFC 8452).
//!
//! Sealed bytes: format (1) · version of the key (4, big endian) · nonce (12) · ciphertext · tag (16).

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM_SIV, Aad, Nonce, RandomizedNonceKey};
use zeroize::Zeroizing;

use crate::secret::Secret;
use crate::{Error, Field};

const FORMAT: u8 = 1;
const VERSION_AT: usize = 1;
const NONCE_AT: usize = 5;
const TEXT_AT: usize = 17;
const TAG: usize = 16;

/// One version of a key, ready to seal. AWS-LC overwrites its memory when it is freed (`OPENSSL_free`).
pub(crate) struct Cipher {
    version: i32,
    key: RandomizedNonceKey,
}

impl Cipher {
    pub(crate) fn new(version: i32, secret: &Secret) -> Self {
        let key = RandomizedNonceKey::new(&AES_256_GCM_SIV, secret.bytes()).expect("a key of 32 bytes");
        Self { version, key }
    }

    pub(crate) fn version(&self) -> i32 {
        self.version
    }

    pub(crate) fn seal(&self, field: Field, id: &[u8], plain: &[u8]) -> Vec<u8> {
        let mut sealed = Vec::with_capacity(TEXT_AT + plain.len() + TAG);
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.version.to_be_bytes());
        sealed.resize(TEXT_AT, 0);
        sealed.extend_from_slice(plain);
        let aad = Aad::from(field.bound_to(id, self.version));
        let (nonce, tag) = self
            .key
            .seal_in_place_separate_tag(aad, &mut sealed[TEXT_AT..])
            .expect("fewer than 2^36 bytes, the only limit");
        sealed[NONCE_AT..TEXT_AT].copy_from_slice(nonce.as_ref());
        sealed.extend_from_slice(tag.as_ref());
        sealed
    }

    pub(crate) fn open(&self, field: Field, id: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        self.try_open(field, id, sealed).ok_or(Error::Unopened(field))
    }

    fn try_open(&self, field: Field, id: &[u8], sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        if version(sealed)? != self.version {
            return None;
        }
        let nonce = Nonce::try_assume_unique_for_key(sealed.get(NONCE_AT..TEXT_AT)?).ok()?;
        let mut opened = Zeroizing::new(sealed.get(TEXT_AT..)?.to_vec());
        let aad = Aad::from(field.bound_to(id, self.version));
        let length = self.key.open_in_place(nonce, aad, &mut opened).ok()?.len();
        opened.truncate(length);
        Some(opened)
    }
}

/// Of the key that sealed these bytes. None: no format that this program knows.
pub(crate) fn version(sealed: &[u8]) -> Option<i32> {
    let (format, version) = (sealed.first()?, sealed.get(VERSION_AT..NONCE_AT)?);
    (*format == FORMAT).then(|| i32::from_be_bytes(version.try_into().expect("four bytes")))
}

impl fmt::Debug for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cipher(version {})", self.version)
    }
}
