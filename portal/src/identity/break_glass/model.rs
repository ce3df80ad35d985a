use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vitals::{PatientId, Timestamp, UserId};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GlassReason {
    Emergency,
    /// For a colleague who is away.
    Cover,
    Transfer,
    Consult,
    /// In words.
    Other,
}

impl GlassReason {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Emergency => "emergency",
            Self::Cover => "cover",
            Self::Transfer => "transfer",
            Self::Consult => "consult",
            Self::Other => "other",
        }
    }
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BreakGlass {
    #[ts(type = "string")]
    pub patient_id: Uuid,
    pub reason_code: GlassReason,
    /// In one's own words: 1 to 500 characters.
    pub reason: String,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct GlassBroken {
    pub id: String,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub patient_id: PatientId,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
}

/// What somebody opened, for who looks at it afterwards.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct GlassAccess {
    pub id: String,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub user_id: UserId,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub patient_id: PatientId,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub until: Timestamp,
    #[ts(type = "GlassReason")]
    pub reason_code: String,
    /// Null where its key was destroyed.
    pub reason: Option<String>,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    pub overdue: bool,
    pub reviewed_by: Option<String>,
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub reviewed_at: Option<Timestamp>,
    #[ts(type = "\"justified\" | \"unjustified\" | null")]
    pub review: Option<String>,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct GlassAccesses {
    pub accesses: Vec<GlassAccess>,
    /// Null: there are no more.
    pub next: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Looked {
    #[default]
    Unreviewed,
    All,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessQuery {
    #[serde(default)]
    #[param(inline)]
    pub state: Looked,
    /// Where the page before ended: its `next`.
    pub cursor: Option<String>,
    /// At most 200; 50 by default.
    pub limit: Option<i64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum GlassReview {
    Justified,
    Unjustified,
}

impl GlassReview {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::Unjustified => "unjustified",
        }
    }
}

#[derive(Debug, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GlassReviewBody {
    pub review: GlassReview,
}
