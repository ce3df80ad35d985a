use serde::Serialize;
use ts_rs::TS;
use utoipa::ToSchema;
use vitals::{SessionId, Timestamp};

use super::session::Session;

/// One of somebody's own.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct OwnSession {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: SessionId,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub last_input_at: Timestamp,
    /// Unless there is input.
    #[ts(type = "string")]
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    pub station_id: Option<String>,
    /// From where it began.
    pub address: Option<String>,
    pub factors: Vec<&'static str>,
    /// The one that asks.
    pub current: bool,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct SessionList {
    pub sessions: Vec<OwnSession>,
}

impl OwnSession {
    pub(super) fn new(session: &Session, address: Option<String>, current: Option<SessionId>) -> Self {
        Self {
            id: session.id,
            started_at: session.started_at,
            last_input_at: session.last_input_at,
            ends_at: session.ends_at(),
            station_id: session.station.map(|station| station.to_string()),
            address,
            factors: session.factors.iter().map(|factor| factor.word()).collect(),
            current: current == Some(session.id),
        }
    }
}
