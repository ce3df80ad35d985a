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
    #[error("the vault, or who gives tokens for it, is away: {0}")]
    Away(String),
    #[error("the vault, or who gives tokens for it, did not answer within {} s", .0.as_secs_f32())]
    Late(Duration),
}

impl VaultError {
    /// It may be better a moment later.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Late(_))
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
