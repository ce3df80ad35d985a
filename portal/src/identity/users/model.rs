use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::{IntoParams, ToSchema};
use vitals::{Timestamp, UserId};

use crate::permission::Role;
use crate::web::ApiError;

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct User {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: UserId,
    pub login: String,
    pub display_name: String,
    #[ts(type = "\"invited\" | \"active\" | \"disabled\"")]
    pub status: String,
    /// Those that hold now.
    pub roles: Vec<Role>,
    /// Rises with every change; what `ETag` says and `If-Match` takes.
    pub version: i32,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct UserList {
    pub users: Vec<User>,
    /// Null: there are no more.
    pub next: Option<String>,
}

/// Shown once.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Invited {
    pub user: User,
    /// For `/welcome#TOKEN`.
    pub token: String,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

#[derive(Debug, Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    pub login: String,
    pub display_name: String,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    /// Where the page before ended: its `next`.
    pub cursor: Option<String>,
    /// At most 200; 50 by default.
    pub limit: Option<i64>,
}

/// As it is stored: 1 to 100 of a-z 0-9 . _ @ + -, the first a letter or a digit.
pub(crate) fn login(text: &str) -> Result<String, ApiError> {
    let login = text.trim().to_lowercase();
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let fits = login.bytes().all(|byte| plain(byte) || b"._@+-".contains(&byte));
    if !(1..=100).contains(&login.len()) || !fits || !login.bytes().next().is_some_and(plain) {
        return Err(ApiError::bad_request("invalid_login", "1 to 100 of a-z 0-9 . _ @ + -"));
    }
    Ok(login)
}

pub(crate) fn name(text: Option<&str>) -> Result<String, ApiError> {
    let name = text.unwrap_or_default().trim();
    if !(1..=200).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(ApiError::bad_request("invalid_name", "1 to 200 characters on one line"));
    }
    Ok(name.to_owned())
}
