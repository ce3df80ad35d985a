use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;

/// RFC 9457. `code` is stable; `title` and `detail` are for people.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct Problem {
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub title: &'static str,
    pub status: u16,
    pub code: &'static str,
    pub detail: String,
}
