//! Keyed tokens: equal texts are found by equal tokens, and nobody without the index key can try texts against them.

use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;
use aws_lc_rs::hmac;

use crate::secret::Secret;

/// What a token stands for. The same text of two kinds has two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Of a patient, with its issuer and type in the normalised text.
    Identifier,
    /// A name, or the beginning of one.
    Name,
    Visit,
    /// A whole payload in quarantine.
    Quarantine,
}

impl TokenKind {
    const fn word(self) -> &'static str {
        match self {
            Self::Identifier => "identifier",
            Self::Name => "name",
            Self::Visit => "visit",
            Self::Quarantine => "quarantine",
        }
    }
}

/// HMAC-SHA-256 by one version of the index key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    pub key_version: i32,
    pub bytes: [u8; 32],
}

impl Token {
    /// Its first eight bytes, for an index of many: what is found so is opened and compared.
    pub fn short(&self) -> i64 {
        i64::from_be_bytes(self.bytes[..8].try_into().expect("eight bytes"))
    }
}

pub(crate) struct IndexKey {
    version: i32,
    key: hmac::Key,
}

impl IndexKey {
    pub(crate) fn new(version: i32, secret: &Secret) -> Self {
        Self { version, key: hmac::Key::new(hmac::HMAC_SHA256, secret.bytes()) }
    }

    fn token(&self, kind: TokenKind, normalised: &[u8]) -> Token {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(kind.word().as_bytes());
        // No word holds it: what a kind ends with cannot be what a text begins with.
        context.update(&[0]);
        context.update(normalised);
        let bytes = context.sign().as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes");
        Token { key_version: self.version, bytes }
    }
}

impl fmt::Debug for IndexKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IndexKey(version {})", self.version)
    }
}

/// Every version that some row may still have.
#[derive(Debug)]
pub(crate) struct IndexKeys {
    /// The one that writes is first.
    versions: ArcSwap<Vec<IndexKey>>,
}

impl IndexKeys {
    pub(crate) fn new(versions: Vec<IndexKey>) -> Self {
        Self { versions: ArcSwap::from_pointee(versions) }
    }

    pub(crate) fn replace(&self, versions: Vec<IndexKey>) {
        self.versions.store(Arc::new(versions));
    }

    pub(crate) fn token(&self, kind: TokenKind, normalised: &[u8]) -> Token {
        self.versions.load().first().expect("a keyring opens with an index key").token(kind, normalised)
    }

    pub(crate) fn tokens(&self, kind: TokenKind, normalised: &[u8]) -> Vec<Token> {
        self.versions.load().iter().map(|key| key.token(kind, normalised)).collect()
    }
}
