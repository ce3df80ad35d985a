use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;
use vitals::PatientId;

use super::name::HumanName;

/// What a banner says of one patient. Nothing of his health.
#[derive(Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
pub(crate) struct Patient {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: PatientId,
    /// `provisional`: not identified yet; `merged`, `error`: goes on elsewhere, or was made by mistake.
    pub status: String,
    pub official: Option<HumanName>,
    /// As he wants to be called, where that is another one.
    pub usual: Option<HumanName>,
    /// ISO 8601, to the day, the month or the year, as far as it is known.
    pub birth_date: Option<String>,
    /// ISO 8601; null: not that we know.
    pub deceased_at: Option<String>,
    /// At birth: `female`, `male`, `other`, `unknown`.
    pub sex: Option<String>,
    /// As the patient says, a word of the site's list.
    pub gender: Option<String>,
    /// Those that are good today.
    pub identifiers: Vec<PatientIdentifier>,
    pub version: i32,
}

#[derive(Debug, PartialEq, Eq, Serialize, TS, ToSchema)]
pub(crate) struct PatientIdentifier {
    /// HL7 table 0203: `MR`, `SS`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Who gave it out.
    pub issuer: String,
    pub value: String,
}
