use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;
use vitals::{AgeClass, DeviceKind, DeviceName, DeviceProfile, Realm, Timestamp};

/// One enrolled device as a screen sees it.
#[derive(Clone, Debug, PartialEq, Serialize, TS, ToSchema)]
pub(crate) struct Device {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: DeviceName,
    #[ts(type = "\"device\" | \"gateway\" | \"service\"")]
    #[schema(value_type = String)]
    pub kind: DeviceKind,
    #[ts(type = "\"bedside\" | \"home\"")]
    #[schema(value_type = String)]
    pub profile: DeviceProfile,
    #[ts(type = "\"adult\" | \"paediatric\" | \"neonatal\"")]
    #[schema(value_type = String)]
    pub age_class: AgeClass,
    #[ts(type = "\"live\" | \"demo\" | \"test\"")]
    #[schema(value_type = String)]
    pub realm: Realm,
    pub connected: bool,
    /// By the server's clock; null when nothing came within the last week.
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_received_at: Option<Timestamp>,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub enrolled_at: Timestamp,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Devices {
    pub devices: Vec<Device>,
}

/// What a screen needs to label a number, and an exchange partner to code it.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct ParameterInfo {
    pub key: &'static str,
    pub label: &'static str,
    /// UCUM.
    pub unit: &'static str,
    /// To show on a screen.
    pub decimals: u8,
    pub loinc: &'static str,
    /// Reference identifier of IEEE 11073-10101.
    pub mdc: &'static str,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Parameters {
    pub parameters: Vec<ParameterInfo>,
}

impl From<vitals::Parameter> for ParameterInfo {
    fn from(parameter: vitals::Parameter) -> Self {
        Self {
            key: parameter.key(),
            label: parameter.label(),
            unit: parameter.unit(),
            decimals: parameter.decimals(),
            loinc: parameter.loinc(),
            mdc: parameter.mdc().0,
        }
    }
}
