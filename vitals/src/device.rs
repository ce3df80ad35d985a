use serde::{Deserialize, Serialize};

use crate::{DeviceKey, DeviceName, Timestamp};

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident $word:literal),+ $(,)? })+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $(#[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;

            fn from_str(word: &str) -> Result<Self, String> {
                Self::from_word(word).ok_or_else(|| format!("one of {}", [$($word),+].join(", ")))
            }
        }
    )+ };
}

words! {
    /// What a principal may do on MQTT (design §4.1).
    DeviceKind { Device "device", Gateway "gateway", Service "service" }
    /// Where a device stands, which decides how late a frame may be and how long it may be silent.
    DeviceProfile { Bedside "bedside", Home "home" }
    /// Which default limits apply to whoever wears it.
    AgeClass { Adult "adult", Paediatric "paediatric", Neonatal "neonatal" }
    /// Simulation is a property of the enrolment, never of a frame alone.
    Realm { Live "live", Demo "demo", Test "test" }
}

impl DeviceProfile {
    /// A frame later than this against the device's own usual delay is stored and never pages.
    pub const fn live_window_ms(self) -> i64 {
        match self {
            Self::Bedside => 15_000,
            Self::Home => 60_000,
        }
    }
}

/// One enrolled device, gateway or service account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub key: DeviceKey,
    pub name: DeviceName,
    pub kind: DeviceKind,
    pub profile: DeviceProfile,
    pub age_class: AgeClass,
    pub realm: Realm,
    /// The gateway that may speak for it.
    pub gateway: Option<DeviceKey>,
    pub enrolled_at: Timestamp,
    pub revoked: bool,
}
