//! Who is enrolled, and with what each may prove itself. Read whole: every part asks it for every message.

pub(crate) mod enrol;
pub(crate) mod read;
mod watch;

use std::sync::Arc;

use ahash::AHashMap;
use vitals::{Device, DeviceKey, Timestamp};

pub use enrol::{Enrolment, add_credential, enrol, revoke};
pub use read::{find, load};
pub use watch::watch;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub kind: CredentialKind,
    /// SHA-256 of the secret, or of the certificate's DER.
    pub digest: [u8; 32],
    pub not_before: Timestamp,
    pub not_after: Option<Timestamp>,
    pub revoked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    Secret,
    Certificate,
}

impl CredentialKind {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Certificate => "certificate",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Secret, Self::Certificate].into_iter().find(|kind| kind.word() == word)
    }
}

/// All enrolments as of one revision; revoked ones too, so that their connections can be ended.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    by_key: AHashMap<DeviceKey, Arc<Device>>,
    by_name: AHashMap<Box<str>, Arc<Device>>,
    credentials: AHashMap<DeviceKey, Vec<Credential>>,
    revision: i64,
}

impl Roster {
    pub fn new(revision: i64, devices: Vec<Device>, credentials: Vec<(DeviceKey, Credential)>) -> Self {
        let mut roster = Self { revision, ..Self::default() };
        for device in devices {
            let device = Arc::new(device);
            roster.by_name.insert(device.name.as_str().into(), device.clone());
            roster.by_key.insert(device.key, device);
        }
        for (key, credential) in credentials {
            roster.credentials.entry(key).or_default().push(credential);
        }
        roster
    }

    pub fn by_key(&self, key: DeviceKey) -> Option<&Arc<Device>> {
        self.by_key.get(&key)
    }

    pub fn by_name(&self, name: &str) -> Option<&Arc<Device>> {
        self.by_name.get(name)
    }

    /// In no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.by_key.values()
    }

    pub fn credentials(&self, key: DeviceKey) -> &[Credential] {
        self.credentials.get(&key).map_or(&[], Vec::as_slice)
    }

    pub fn revision(&self) -> i64 {
        self.revision
    }
}
