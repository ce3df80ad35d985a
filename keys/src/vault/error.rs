use std::time::Duration;

/// None of them tells what was wrapped.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    #[error("[keys.vault] needs a vigil that was built with the cargo feature `azure`; this one was not")]
    NotBuilt,
    #[error("[keys.vault] {0}")]
    Settings(&'static str),
    #[error("[keys.vault] the identity cannot be used: {0}")]
    Identity(String),
    /// By who gives tokens.
    #[error("the identity was refused: HTTP {status}: {said}")]
    Unknown { status: u16, said: String },
    #[error("the vault refused: HTTP {status}: {said}; {}", advice(*.status))]
    Refused { status: u16, said: String },
    #[error("the vault's answer makes no sense: {0}")]
    Answer(String),
    /// A page for humans, say, where the service or a proxy before it is in trouble.
    #[error("who gives tokens for the vault gave none: {0}")]
    NoToken(String),
    #[error("the vault, or who gives tokens for it, is away: {0}")]
    Away(String),
    #[error("the vault, or who gives tokens for it, did not answer within {} s", .0.as_secs_f32())]
    Late(Duration),
}

impl VaultError {
    /// Whatever somebody else said, or did not say, may be better a moment later: a right that was given spreads slowly. What we
    /// were told ourselves stays as it is.
    pub fn is_temporary(&self) -> bool {
        !matches!(self, Self::NotBuilt | Self::Settings(_) | Self::Identity(_))
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        400 => "the key that answers is no RSA key, or not the one that wrapped this file",
        401 | 403 => {
            "the identity needs wrapKey and unwrapKey (the role Key Vault Crypto Service Encryption User), the key must be \
             enabled, and the vault's firewall must let this machine in"
        }
        404 => "the vault has no such key, or no such version of it",
        _ => "the vault's log says why",
    }
}
