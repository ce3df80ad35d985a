use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;
use vitals::{StationId, Timestamp};

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct StationView {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: StationId,
    pub name: String,
    #[ts(type = "\"wall\" | \"desktop\" | \"phone\"")]
    pub mode: String,
    pub location_id: String,
    /// What it shows of a name while nobody has identified there.
    #[ts(type = "\"names\" | \"initials\" | \"none\"")]
    pub privacy: String,
    /// Some screen holds its token.
    pub enrolled: bool,
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    pub revoked: bool,
    /// Rises with every change; what `ETag` says and `If-Match` takes.
    pub version: i32,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct StationList {
    pub stations: Vec<StationView>,
}

/// Shown once.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct CodeGiven {
    pub station: StationView,
    pub code: String,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub code_expires_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StationMode {
    Wall,
    Desktop,
    Phone,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, TS, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum StationPrivacy {
    Names,
    #[default]
    Initials,
    None,
}

impl StationMode {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Wall => "wall",
            Self::Desktop => "desktop",
            Self::Phone => "phone",
        }
    }
}

impl StationPrivacy {
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Names => "names",
            Self::Initials => "initials",
            Self::None => "none",
        }
    }
}

#[derive(Debug, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewStation {
    pub name: String,
    pub mode: StationMode,
    #[ts(type = "string")]
    pub location_id: uuid::Uuid,
    #[serde(default)]
    pub privacy: StationPrivacy,
}

#[derive(Debug, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PrivacyBody {
    pub privacy: StationPrivacy,
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnrolBody {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub code: zeroize::Zeroizing<String>,
}
