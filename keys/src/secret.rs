use std::fmt;

use aws_lc_rs::{hmac, rand};
use zeroize::Zeroizing;

/// Bytes of every key.
pub(crate) const LENGTH: usize = 32;

/// A key as bytes: overwritten when dropped, and never printed. On the heap, so that a move leaves no copy behind.
#[derive(Clone)]
pub(crate) struct Secret(Box<Zeroizing<[u8; LENGTH]>>);

impl Secret {
    /// From the system's generator.
    pub(crate) fn draw() -> Self {
        let mut secret = Self(Box::new(Zeroizing::new([0; LENGTH])));
        rand::fill(&mut secret.0[..]).expect("the system's generator gives or ends the process");
        secret
    }

    /// None where there are not `LENGTH` bytes.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self(Box::new(Zeroizing::new([0; LENGTH])));
        (bytes.len() == LENGTH).then(|| secret.0.copy_from_slice(bytes))?;
        Some(secret)
    }

    /// A key for one purpose. None tells another, nor this one: HMAC-SHA-256 as a function of the purpose.
    pub(crate) fn derive(&self, purpose: &str) -> Self {
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, self.bytes()), purpose.as_bytes());
        Self::read(tag.as_ref()).expect("HMAC-SHA-256 has 32 bytes")
    }

    pub(crate) fn bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}
