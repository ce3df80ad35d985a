//! Azure Key Vault, or a managed HSM: its key wraps and unwraps 32 bytes for us, and never leaves it. Behind the cargo feature
//! `azure`; without it there is no `Vault`, and whoever asks for one is told so.

#[cfg(not(feature = "azure"))]
mod absent;
#[cfg(feature = "azure")]
mod azure;
mod error;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use zeroize::Zeroizing;

use crate::{RootError, private};

#[cfg(not(feature = "azure"))]
pub use absent::Vault;
#[cfg(feature = "azure")]
pub use azure::Vault;
pub use error::VaultError;

/// How long one question may take, with everything that is repeated.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Clone, Debug)]
pub struct Settings {
    /// By HTTPS.
    pub url: String,
    /// Of the key: RSA, since it wraps by RSA-OAEP-256.
    pub key: String,
    /// Which wraps; what is wrapped already names its own. Without one, the newest.
    pub version: Option<String>,
    pub identity: Identity,
    pub patience: Duration,
}

impl Settings {
    pub fn new(url: &str, key: &str, identity: Identity) -> Self {
        Self { url: url.to_owned(), key: key.to_owned(), version: None, identity, patience: PATIENCE }
    }
}

/// As whom the vault is asked.
#[derive(Clone, Debug)]
pub enum Identity {
    /// Of the machine; by its client where it has several.
    Managed {
        client: Option<String>,
    },
    /// Of a Kubernetes service account. What is not named comes from the environment that its webhook prepares.
    Workload {
        tenant: Option<String>,
        client: Option<String>,
        token: Option<PathBuf>,
    },
    Secret {
        tenant: String,
        client: String,
        secret: ClientSecret,
    },
}

/// Never printed.
#[derive(Clone)]
pub struct ClientSecret(
    #[cfg_attr(not(feature = "azure"), expect(dead_code, reason = "read by whoever asks a vault"))] Zeroizing<String>,
);

impl ClientSecret {
    pub fn new(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }

    /// From a file of the same rules as a root key's.
    pub fn read(path: &Path, apart_from: &[PathBuf]) -> Result<Self, RootError> {
        private::apart(path, apart_from)?;
        Ok(Self(Zeroizing::new(private::read(path)?.trim().to_owned())))
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientSecret")
    }
}

/// Of a key or a version: it becomes part of a path.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=127).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}
