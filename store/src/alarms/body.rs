//! A rule version's condition as the JSON of `rule_versions.body`.

use serde::{Deserialize, Serialize};
use vitals::{Bound, Condition, Parameter};

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "condition", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Body {
    Limit { parameter: Parameter, bound: Side, limit: f64, onset_ms: i64, dead_band: f64 },
    Silence { after_ms: i64 },
    NoLiveFrames { after_ms: i64 },
    ClockSuspect { quiet_ms: i64 },
    SimulatedData { quiet_ms: i64 },
    DuplicateIdentity { quiet_ms: i64 },
    Implausible { after_ms: i64 },
    System {},
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Side {
    Upper,
    Lower,
}

impl From<Condition> for Body {
    fn from(condition: Condition) -> Self {
        match condition {
            Condition::Limit { parameter, bound, limit, onset_ms, dead_band } => Self::Limit {
                parameter,
                bound: match bound {
                    Bound::Upper => Side::Upper,
                    Bound::Lower => Side::Lower,
                },
                limit: shortest(limit),
                onset_ms,
                dead_band: shortest(dead_band),
            },
            Condition::Silence { after_ms } => Self::Silence { after_ms },
            Condition::NoLiveFrames { after_ms } => Self::NoLiveFrames { after_ms },
            Condition::ClockSuspect { quiet_ms } => Self::ClockSuspect { quiet_ms },
            Condition::SimulatedData { quiet_ms } => Self::SimulatedData { quiet_ms },
            Condition::DuplicateIdentity { quiet_ms } => Self::DuplicateIdentity { quiet_ms },
            Condition::Implausible { after_ms } => Self::Implausible { after_ms },
            Condition::System => Self::System {},
        }
    }
}

impl From<Body> for Condition {
    fn from(body: Body) -> Self {
        match body {
            Body::Limit { parameter, bound, limit, onset_ms, dead_band } => Self::Limit {
                parameter,
                bound: match bound {
                    Side::Upper => Bound::Upper,
                    Side::Lower => Bound::Lower,
                },
                limit: limit as f32,
                onset_ms,
                dead_band: dead_band as f32,
            },
            Body::Silence { after_ms } => Self::Silence { after_ms },
            Body::NoLiveFrames { after_ms } => Self::NoLiveFrames { after_ms },
            Body::ClockSuspect { quiet_ms } => Self::ClockSuspect { quiet_ms },
            Body::SimulatedData { quiet_ms } => Self::SimulatedData { quiet_ms },
            Body::DuplicateIdentity { quiet_ms } => Self::DuplicateIdentity { quiet_ms },
            Body::Implausible { after_ms } => Self::Implausible { after_ms },
            Body::System {} => Self::System,
        }
    }
}

/// The number whose decimals a person wrote: 39.1, where widening gives 39.099998474121094. It narrows to the same f32.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}
