use std::fmt::Write;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vitals::{PatientId, Timestamp, UserId};

/// Who looks for what. Everything given must hold.
#[derive(Clone, Debug, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsQuery {
    /// Who did it.
    #[param(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Whom it is about.
    #[param(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<PatientId>,
    /// RFC 3339, inclusive.
    #[param(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// RFC 3339, exclusive.
    #[param(value_type = Option<String>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// 1 to 500, 100 when absent; of an export 1 to 5,000, 5,000 when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// For the accounting of disclosures of one person.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct DisclosuresQuery {
    /// RFC 3339, inclusive; six years back when absent.
    #[param(value_type = Option<String>)]
    pub from: Option<Timestamp>,
    /// RFC 3339, exclusive.
    #[param(value_type = Option<String>)]
    pub to: Option<Timestamp>,
    /// 1 to 500, 100 when absent.
    pub limit: Option<u16>,
    pub cursor: Option<String>,
}

/// One event of the audit, as an auditor reads it.
#[derive(Clone, Debug, Serialize, TS, ToSchema)]
pub(crate) struct AuditEvent {
    #[ts(type = "string")]
    pub id: Uuid,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    pub realm: Option<String>,
    pub category: String,
    /// C, R, U, D or E.
    pub action: String,
    /// success, refused or failed
    pub outcome: String,
    #[ts(type = "string | null")]
    pub user: Option<Uuid>,
    /// As colleagues read it.
    pub user_name: Option<String>,
    /// By virtue of which the user might.
    pub role: Option<String>,
    #[ts(type = "string | null")]
    pub session: Option<Uuid>,
    #[ts(type = "string | null")]
    pub station: Option<Uuid>,
    /// The part of Vigil that worked for itself.
    pub part: Option<String>,
    pub address: Option<String>,
    /// TREAT, BTG, PAY or OPS
    pub purpose: Option<String>,
    pub endpoint: Option<String>,
    pub entity_kind: Option<String>,
    #[ts(type = "string | null")]
    pub entity: Option<Uuid>,
    pub entity_version: Option<i32>,
    /// Whom it is about.
    #[ts(type = "string[]")]
    pub patients: Vec<Uuid>,
    /// Reasons, free text, search terms. Null as well where no key opens it any more.
    pub detail: Option<String>,
    /// How many identical requests it stands for.
    pub times: i32,
    #[ts(type = "string | null")]
    pub correlation: Option<Uuid>,
}

/// Newest first.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct AuditEvents {
    pub events: Vec<AuditEvent>,
    /// Hand it back as `cursor` for the next page; null on the last.
    pub next: Option<String>,
}

/// The first line of a CSV.
pub(crate) const CSV_HEAD: &str = "id,at,realm,category,action,outcome,user,user_name,role,session,station,part,address,\
     purpose,endpoint,entity_kind,entity,entity_version,patients,detail,times,correlation\r\n";

impl AuditEvent {
    /// RFC 4180, its end included.
    pub(crate) fn csv(&self) -> String {
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let id = |value: &Option<Uuid>| value.map(|id| id.to_string()).unwrap_or_default();
        let patients: Vec<_> = self.patients.iter().map(Uuid::to_string).collect();
        let fields = [
            self.id.to_string(),
            self.at.to_string(),
            text(&self.realm),
            self.category.clone(),
            self.action.clone(),
            self.outcome.clone(),
            id(&self.user),
            text(&self.user_name),
            text(&self.role),
            id(&self.session),
            id(&self.station),
            text(&self.part),
            text(&self.address),
            text(&self.purpose),
            text(&self.endpoint),
            text(&self.entity_kind),
            id(&self.entity),
            self.entity_version.map(|version| version.to_string()).unwrap_or_default(),
            patients.join(" "),
            text(&self.detail),
            self.times.to_string(),
            id(&self.correlation),
        ];
        let mut line = String::new();
        for (index, field) in fields.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(line, "{comma}{}", quoted(field)).expect("a String takes everything");
        }
        line + "\r\n"
    }
}

/// A field that begins like a formula is none: a spreadsheet that opens the file runs nothing that somebody typed.
fn quoted(field: &str) -> String {
    let formula = field.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let field = if formula { format!("'{field}") } else { field.to_owned() };
    if field.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_field_is_one_field_and_no_formula() {
        for (field, expected) in [
            ("plain", "plain"),
            ("", ""),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("-1,2", "\"'-1,2\""),
        ] {
            assert_eq!(quoted(field), expected);
        }
    }
}
