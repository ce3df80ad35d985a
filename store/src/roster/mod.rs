//! Who is enrolled, and with what each may prove itself. Held whole: every part asks it for every message.

pub(crate) mod enrol;
pub(crate) mod read;
mod watch;

use std::sync::Arc;

use ahash::AHashMap;
use vitals::{Device, DeviceKey, DeviceName, Timestamp};

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
/// What it holds is shared with the roster it came from: a clone copies pointers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Roster {
    revision: i64,
    by_key: AHashMap<DeviceKey, Arc<Device>>,
    by_name: AHashMap<DeviceName, Arc<Device>>,
    credentials: AHashMap<DeviceKey, Arc<[Credential]>>,
}

impl Roster {
    pub fn new(revision: i64, devices: Vec<Device>, credentials: Vec<(DeviceKey, Credential)>) -> Self {
        Self::default().with(revision, devices, credentials)
    }

    /// As of a later revision: with these devices as they are now, and all the credentials of each device that is named.
    #[must_use]
    pub fn with(&self, revision: i64, devices: Vec<Device>, credentials: Vec<(DeviceKey, Credential)>) -> Self {
        let mut roster = Self { revision, ..self.clone() };
        for device in devices {
            let device = Arc::new(device);
            if let Some(before) = roster.by_key.insert(device.key, device.clone())
                && before.name != device.name
            {
                roster.by_name.remove(&before.name);
            }
            roster.by_name.insert(device.name.clone(), device);
        }
        let mut named: AHashMap<DeviceKey, Vec<Credential>> = AHashMap::new();
        for (key, credential) in credentials {
            named.entry(key).or_default().push(credential);
        }
        roster.credentials.extend(named.into_iter().map(|(key, credentials)| (key, credentials.into())));
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
        self.credentials.get(&key).map_or(&[], |credentials| credentials)
    }

    pub fn revision(&self) -> i64 {
        self.revision
    }
}
