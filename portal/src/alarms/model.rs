use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::{IntoParams, ToSchema};
use vitals::{AlarmId, Bound, Condition, DeviceKey, DeviceName, Parameter, Priority, RuleVersion, Timestamp};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    /// About the patient.
    Physiological,
    /// About the equipment, ours included.
    Technical,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Side {
    Upper,
    Lower,
}

/// One alarm, from its onset to its end.
#[derive(Clone, Debug, PartialEq, Serialize, TS, ToSchema)]
pub(crate) struct Alarm {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: AlarmId,
    /// Null: the system about itself.
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>)]
    pub device: Option<DeviceName>,
    /// By it a screen asks whose it is: the name of a device that was just enrolled, or revoked, is not known.
    #[serde(skip)]
    #[ts(skip)]
    #[schema(ignore)]
    pub key: Option<DeviceKey>,
    /// Stable name of the rule.
    pub code: String,
    pub kind: Kind,
    #[ts(type = "Priority")]
    #[schema(value_type = String)]
    pub priority: Priority,
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>)]
    pub parameter: Option<Parameter>,
    pub bound: Option<Side>,
    pub limit: Option<f32>,
    /// The most extreme since the onset.
    pub value: Option<f32>,
    /// UCUM.
    pub unit: Option<String>,
    /// What a banner says, such as `HR 134 > 120`.
    pub text: String,
    /// Comes from a device that is enrolled for demonstration or test.
    pub simulated: bool,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub onset_at: Timestamp,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub raised_at: Timestamp,
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Alarms {
    pub alarms: Vec<Alarm>,
    /// Hand it back as `cursor` for the next page; null on the last.
    pub next: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Active,
    #[default]
    All,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AlarmsQuery {
    #[serde(default)]
    #[param(inline)]
    pub state: State,
    /// 1 to 500, 100 when absent.
    pub limit: Option<u16>,
    pub cursor: Option<String>,
}

/// What both the engine's transitions and the stored rows say about an alarm.
pub(crate) struct Facts<'a> {
    pub id: AlarmId,
    pub key: Option<DeviceKey>,
    pub device: Option<&'a vitals::Device>,
    pub rule: &'a RuleVersion,
    pub value: Option<f32>,
    pub onset_at: Timestamp,
    pub raised_at: Timestamp,
    pub ended_at: Option<Timestamp>,
}

impl From<Facts<'_>> for Alarm {
    fn from(facts: Facts<'_>) -> Self {
        let limit = match facts.rule.condition {
            Condition::Limit { parameter, bound, limit, .. } => Some((parameter, bound, limit)),
            _ => None,
        };
        Self {
            id: facts.id,
            device: facts.device.map(|device| device.name.clone()),
            key: facts.key,
            code: facts.rule.code.clone(),
            kind: if facts.rule.technical() { Kind::Technical } else { Kind::Physiological },
            priority: facts.rule.priority,
            parameter: limit.map(|(parameter, ..)| parameter),
            bound: limit.map(|(_, bound, _)| bound.into()),
            limit: limit.map(|(.., limit)| limit),
            value: facts.value,
            unit: limit.map(|(parameter, ..)| parameter.unit().to_owned()),
            text: text(facts.rule, facts.value),
            simulated: facts.device.is_some_and(|device| device.realm != vitals::Realm::Live),
            onset_at: facts.onset_at,
            raised_at: facts.raised_at,
            ended_at: facts.ended_at,
        }
    }
}

impl Alarm {
    /// As one that began then, without what was measured before.
    pub(crate) fn beginning_at(self, since: Timestamp) -> Self {
        let text = match (self.parameter, self.bound, self.limit) {
            (Some(parameter), Some(side), Some(limit)) => limited(parameter, side, limit, None),
            _ => self.text,
        };
        let (onset_at, raised_at) = (self.onset_at.max(since), self.raised_at.max(since));
        Self { value: None, text, onset_at, raised_at, ..self }
    }
}

fn limited(parameter: Parameter, side: Side, limit: f32, value: Option<f32>) -> String {
    let (label, decimals) = (parameter.label(), usize::from(parameter.decimals()));
    let sign = match side {
        Side::Upper => '>',
        Side::Lower => '<',
    };
    match value {
        Some(value) => format!("{label} {value:.decimals$} {sign} {limit:.decimals$}"),
        None => format!("{label} {sign} {limit:.decimals$}"),
    }
}

impl From<Bound> for Side {
    fn from(bound: Bound) -> Self {
        match bound {
            Bound::Upper => Self::Upper,
            Bound::Lower => Self::Lower,
        }
    }
}

fn text(rule: &RuleVersion, value: Option<f32>) -> String {
    match rule.condition {
        Condition::Limit { parameter, bound, limit, .. } => limited(parameter, bound.into(), limit, value),
        Condition::Silence { .. } => "NO DATA".to_owned(),
        Condition::NoLiveFrames { .. } => "NO LIVE DATA".to_owned(),
        Condition::ClockSuspect { .. } => "CLOCK".to_owned(),
        Condition::SimulatedData { .. } => "SIMULATED DATA".to_owned(),
        Condition::DuplicateIdentity { .. } => "IDENTITY IN USE TWICE".to_owned(),
        Condition::Implausible { .. } => "CHECK PATIENT AND SENSOR".to_owned(),
        Condition::System => match rule.code.as_str() {
            "disk_space" => "DISK NEARLY FULL".to_owned(),
            "certificate_expiry" => "CERTIFICATE ENDS SOON".to_owned(),
            // `CLOCK` alone is a device's.
            "clock_stepped" => "SERVER CLOCK JUMPED".to_owned(),
            code => code.replace('_', " ").to_uppercase(),
        },
    }
}

/// When an alarm with this onset was raised, where only a later transition of it is known.
pub(crate) fn raised_at(rule: &RuleVersion, onset_at: Timestamp) -> Timestamp {
    match rule.condition {
        Condition::Limit { onset_ms, .. } => onset_at.plus_millis(onset_ms),
        Condition::Silence { after_ms }
        | Condition::NoLiveFrames { after_ms }
        | Condition::Implausible { after_ms } => onset_at.plus_millis(after_ms),
        Condition::ClockSuspect { .. }
        | Condition::SimulatedData { .. }
        | Condition::DuplicateIdentity { .. }
        | Condition::System => onset_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_banner_says_what_happened_in_the_parameters_own_decimals() {
        let limit = |parameter, bound, limit| Condition::Limit { parameter, bound, limit, onset_ms: 0, dead_band: 0.0 };
        for (condition, value, expected) in [
            (limit(Parameter::Hr, Bound::Upper, 120.0), Some(134.4), "HR 134 > 120"),
            (limit(Parameter::Temp, Bound::Lower, 35.0), Some(34.26), "Temp 34.3 < 35.0"),
            (limit(Parameter::Spo2, Bound::Lower, 90.0), None, "SpO2 < 90"),
            (Condition::Silence { after_ms: 1 }, None, "NO DATA"),
            (Condition::System, None, "DATABASE AWAY"),
        ] {
            let rule = RuleVersion::new("database_away", Priority::High, condition);
            assert_eq!(text(&rule, value), expected);
        }
        for (code, expected) in [
            ("devices_held", "DEVICES HELD"),
            ("disk_space", "DISK NEARLY FULL"),
            ("certificate_expiry", "CERTIFICATE ENDS SOON"),
            ("clock_stepped", "SERVER CLOCK JUMPED"),
        ] {
            assert_eq!(text(&RuleVersion::new(code, Priority::Medium, Condition::System), None), expected);
        }
    }
}
