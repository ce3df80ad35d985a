use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;
use vitals::{RoleGrantId, Timestamp, UserId};

use crate::permission::Role;

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Grant {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: RoleGrantId,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub user_id: UserId,
    pub role: Role,
    /// Null: everywhere.
    pub location_id: Option<String>,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// Null: the command line.
    pub granted_by: Option<String>,
    pub approved_by: Option<String>,
    #[ts(type = "\"pending\" | \"active\" | \"ended\"")]
    pub state: &'static str,
    /// Rises with every change; what `ETag` says and `If-Match` takes.
    pub version: i32,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct GrantList {
    pub grants: Vec<Grant>,
    /// Null: there are no more.
    pub next: Option<String>,
}

#[derive(Debug, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewGrant {
    #[ts(type = "string")]
    pub user_id: Uuid,
    pub role: Role,
    #[serde(default)]
    #[ts(type = "string | null", optional = nullable)]
    pub location_id: Option<Uuid>,
    #[serde(default)]
    #[ts(type = "string | null", optional = nullable)]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Wanted {
    Pending,
    #[default]
    All,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantsQuery {
    /// Of whom; everybody by default.
    pub user: Option<Uuid>,
    #[serde(default)]
    #[param(inline)]
    pub state: Wanted,
    /// Where the page before ended: its `next`.
    pub cursor: Option<String>,
    /// At most 200; 50 by default.
    pub limit: Option<i64>,
}
