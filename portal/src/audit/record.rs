use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use vitals::{CorrelationId, EventId, PatientId, Realm, SessionId, StationId, Timestamp, UserId};

use super::event::{Action, Category, Entity, Outcome, Purpose, Worn};

/// One event as its row says it: sealed, and ready to be stored anywhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) id: EventId,
    pub(crate) at: Timestamp,
    pub(crate) realm: Option<Realm>,
    pub(crate) agent: Agent,
    pub(crate) purpose: Purpose,
    pub(crate) category: Category,
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    /// Method and template of the path.
    pub(crate) endpoint: Option<String>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) entity: Entity,
    pub(crate) subjects: Vec<PatientId>,
    /// Whoever wore this device is a subject too.
    #[serde(default)]
    pub(crate) worn: Option<Worn>,
    pub(crate) detail_sealed: Option<Vec<u8>>,
    /// How many identical requests it stands for.
    pub(crate) times: i32,
    pub(crate) correlation: CorrelationId,
}

/// Who did it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) user: Option<UserId>,
    /// The role that gave the permission.
    pub(crate) role: Option<String>,
    pub(crate) session: Option<SessionId>,
    pub(crate) station: Option<StationId>,
    /// Where it is no person.
    pub(crate) part: Option<String>,
}
