use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;
use vitals::Timestamp;
use zeroize::Zeroizing;

/// What a link is for.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Welcome {
    #[ts(type = "\"first_administrator\" | \"invitation\"")]
    pub purpose: &'static str,
    /// Null: to be chosen.
    pub login: Option<String>,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBody {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub token: Zeroizing<String>,
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BeginBody {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub token: Zeroizing<String>,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub password: Zeroizing<String>,
    /// For a first administrator only.
    #[serde(default)]
    #[ts(optional = nullable)]
    pub login: Option<String>,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub display_name: Option<String>,
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FinishBody {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub token: Zeroizing<String>,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub code: Zeroizing<String>,
}
