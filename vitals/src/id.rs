use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The key of a device in telemetry tables. It names a device, never a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceKey(pub i32);

impl fmt::Display for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The identifier under which a device was enrolled: 1–64 of `[A-Za-z0-9._-]`. It is also its MQTT client id and user name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeviceName(Arc<str>);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a device identifier is 1 to 64 of A-Z a-z 0-9 . _ -")]
pub struct InvalidDeviceName;

impl DeviceName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub fn is_valid(text: &str) -> bool {
        (1..=64).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    }
}

impl TryFrom<&str> for DeviceName {
    type Error = InvalidDeviceName;

    fn try_from(text: &str) -> Result<Self, InvalidDeviceName> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(InvalidDeviceName) }
    }
}

impl TryFrom<String> for DeviceName {
    type Error = InvalidDeviceName;

    fn try_from(text: String) -> Result<Self, InvalidDeviceName> {
        Self::try_from(text.as_str())
    }
}

/// Both hash and compare as their text, so that a map by name can be asked with a text.
impl std::borrow::Borrow<str> for DeviceName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for DeviceName {
    type Err = InvalidDeviceName;

    fn from_str(text: &str) -> Result<Self, InvalidDeviceName> {
        Self::try_from(text)
    }
}

impl From<DeviceName> for String {
    fn from(name: DeviceName) -> Self {
        name.0.as_ref().to_owned()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Declares identifiers that the compiler will not let anyone mix up.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new one (uuid v7), ordered by `now`.
            pub fn new(now: crate::Timestamp) -> Self {
                Self(ordered_by(now))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                text.parse().map(Self)
            }
        }
    )+ };
}

ids! {
    /// One alarm, from its onset to its end.
    AlarmId,
    /// One request and all that it caused.
    CorrelationId,
    /// One event of the audit.
    EventId,
    /// A person under care.
    PatientId,
    /// A role, given to somebody for a place and a time.
    RoleGrantId,
    /// One immutable version of a rule.
    RuleVersionId,
    /// One sign-in. Not its token.
    SessionId,
    /// A screen that is enrolled for a place.
    StationId,
    /// Somebody who signs in.
    UserId,
}

fn ordered_by(now: crate::Timestamp) -> Uuid {
    let micros = u64::try_from(now.micros()).unwrap_or(0);
    let (seconds, nanos) = (micros / 1_000_000, micros % 1_000_000 * 1_000);
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, u32::try_from(nanos).unwrap_or(0)))
}

/// The namespace of identifiers that are derived from what they name, so that a replay finds the same ones.
const DERIVED: Uuid = Uuid::from_u128(0x7669_6769_6c00_4000_8000_7661_6c61_726d);

impl AlarmId {
    /// The identifier of the alarm with this key (design §4.4): the same condition, replayed, is the same alarm.
    pub fn derive(device: Option<DeviceKey>, rule: RuleVersionId, onset: crate::Timestamp) -> Self {
        let mut name = Vec::with_capacity(32);
        name.extend_from_slice(&device.map_or(0, |key| key.0).to_be_bytes());
        name.extend_from_slice(rule.0.as_bytes());
        name.extend_from_slice(&onset.micros().to_be_bytes());
        Self(Uuid::new_v5(&DERIVED, &name))
    }
}

impl RuleVersionId {
    /// The identifier of the rule version with this canonical body.
    pub fn derive(body: &str) -> Self {
        Self(Uuid::new_v5(&DERIVED, body.as_bytes()))
    }
}
