use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::{IntoParams, ToSchema};
use vitals::{DeviceName, Parameter, Timestamp};

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct VitalsQuery {
    /// The device's identifier.
    #[param(value_type = String)]
    pub device: DeviceName,
    /// RFC 3339, inclusive.
    #[param(value_type = String)]
    pub from: Timestamp,
    /// RFC 3339, exclusive.
    #[param(value_type = String)]
    pub to: Timestamp,
    /// Seconds a bucket; chosen for at most 2,000 points when absent, and widened when it would give more.
    pub step: Option<u32>,
}

/// One column a parameter that has any value; all arrays are as long as `times_ms`.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Vitals {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub device: DeviceName,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    pub step_ms: i64,
    /// Start of each bucket, since 1970.
    pub times_ms: Vec<i64>,
    pub series: Vec<Series>,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Series {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub parameter: Parameter,
    /// UCUM.
    pub unit: &'static str,
    pub mean: Vec<Option<f32>>,
    pub min: Vec<Option<f32>>,
    pub max: Vec<Option<f32>>,
    pub count: Vec<u32>,
}
