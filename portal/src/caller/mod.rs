//! Who asks, and the only two ways from there to the database: [`Read`] and [`Write`].
//!
//! A [`Caller`] gives no client. What a `Read` found is [`Unseen`] until it was written down who sees it; what a `Write`
//! did is undone unless it is explained.

mod context;
mod desk;
mod explain;
mod filter;
mod once;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::Mutex;
use vitals::{CorrelationId, PatientId, Realm, SessionId, StationId, Timestamp, UserId};
use warp::http::HeaderValue;

use crate::audit::Entity;
use crate::permission::{Permission, Role};
use crate::web::{ApiError, Endpoint, IfMatch};

pub(crate) use desk::Desk;
pub(crate) use filter::{Asker, Peer};
pub(crate) use once::{Kept, once};
pub(crate) use read::Read;
pub use read::Unseen;
pub(crate) use write::{Versioned, Write};

/// Somebody who asks for something. Made for a request by `app.caller(&ENDPOINT)`, for our own work by
/// [`Caller::system`]; there is no third way.
#[derive(Clone)]
pub(crate) struct Caller(Arc<Inner>);

struct Inner {
    identity: Identity,
    request: Request,
    desk: Desk,
}

/// Who somebody is, as `identity` found out.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) who: Who,
    /// What it may see of: live, demo or test. None for ourselves: all of them.
    pub(crate) realm: Option<Realm>,
    /// The roles that hold now. Empty for a station and for ourselves.
    pub(crate) roles: Vec<Role>,
    /// Has just proven himself again, for what is grave.
    pub(crate) stepped_up: bool,
}

impl Identity {
    pub(crate) fn new(who: Who, realm: Option<Realm>, roles: Vec<Role>) -> Self {
        Self { who, realm, roles, stepped_up: false }
    }

    pub(crate) fn nobody() -> Self {
        Self::new(Who::Nobody, None, Vec::new())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Who {
    /// Somebody with two factors, at a station or not.
    User {
        user: UserId,
        session: SessionId,
        station: Option<StationId>,
    },
    /// A screen at which nobody is identified.
    Station(StationId),
    System(Part),
    /// Somebody who was not let in. Reads and writes nothing.
    Nobody,
}

impl Who {
    /// The screen where it is, whether somebody is identified there or not.
    pub(crate) fn station(self) -> Option<StationId> {
        match self {
            Self::User { station, .. } => station,
            Self::Station(station) => Some(station),
            Self::System(_) | Self::Nobody => None,
        }
    }
}

/// Which part of this program does work of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Part {
    Portal,
    /// `vigil demo …` on the host.
    Demo,
    /// `vigil …` on the host.
    Command,
}

impl Part {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Portal => "portal",
            Self::Demo => "demo",
            Self::Command => "command",
        }
    }
}

/// What is known of a request beside who makes it.
#[derive(Clone)]
pub(crate) struct Request {
    /// None: no request, but work of our own.
    pub(crate) endpoint: Option<&'static Endpoint>,
    /// Path and query as they came.
    pub(crate) target: Arc<str>,
    pub(crate) address: Option<IpAddr>,
    pub(crate) correlation: CorrelationId,
    pub(crate) proof: Proof,
    /// Of which version of what it changes it speaks.
    pub(crate) if_match: IfMatch,
    /// `Idempotency-Key` as it came.
    pub(crate) key: Option<HeaderValue>,
    /// The creation that its `Write` claims, so that nobody does it again.
    claim: Option<Arc<once::Claim>>,
    pub(crate) trace: Arc<Trace>,
}

/// What of a request is known only on the way to its answer.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// An event says what became of it.
    explained: AtomicBool,
    /// What it turned out to ask for.
    asked: Mutex<Option<(Entity, Vec<PatientId>)>>,
}

/// The digests of the tokens by which a request says who makes it. Whoever has the same is the same; of a token that was
/// given for another nothing is left.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Proof {
    pub(crate) session: Option<[u8; 32]>,
    pub(crate) station: Option<[u8; 32]>,
}

/// What a station may do while nobody is identified there: it shows the wall of its place, and no more.
const OF_A_STATION: [Permission; 2] = [Permission::ReadVitals, Permission::ReadDevices];

impl Caller {
    /// For our own work. A part of the system sees what no relation covers, so it never answers a request.
    pub(crate) fn system(desk: &Desk, part: Part) -> Self {
        let correlation = CorrelationId::new(desk.now());
        let identity = Identity::new(Who::System(part), None, Vec::new());
        Self::new(
            identity,
            Request {
                endpoint: None,
                target: "".into(),
                address: None,
                correlation,
                proof: Proof::default(),
                if_match: IfMatch::Any,
                key: None,
                claim: None,
                trace: Arc::default(),
            },
            desk,
        )
    }

    fn new(identity: Identity, request: Request, desk: &Desk) -> Self {
        Self(Arc::new(Inner { identity, request, desk: desk.clone() }))
    }

    pub(crate) fn identity(&self) -> &Identity {
        &self.0.identity
    }

    /// The same request, of who this has just turned out to be. For `identity`, which found out.
    pub(crate) fn turned_out(&self, identity: Identity) -> Self {
        Self::new(identity, self.request().clone(), self.desk())
    }

    pub(crate) fn who(&self) -> Who {
        self.0.identity.who
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.desk().now()
    }

    pub(crate) fn user(&self) -> Option<UserId> {
        match self.who() {
            Who::User { user, .. } => Some(user),
            Who::Station(_) | Who::System(_) | Who::Nobody => None,
        }
    }

    pub(crate) fn session(&self) -> Option<SessionId> {
        match self.who() {
            Who::User { session, .. } => Some(session),
            Who::Station(_) | Who::System(_) | Who::Nobody => None,
        }
    }

    pub(crate) fn station(&self) -> Option<StationId> {
        self.who().station()
    }

    pub(crate) fn realm(&self) -> Option<Realm> {
        self.0.identity.realm
    }

    pub(crate) fn roles(&self) -> &[Role] {
        &self.0.identity.roles
    }

    pub(crate) fn request(&self) -> &Request {
        &self.0.request
    }

    pub(crate) fn may(&self, permission: Permission) -> bool {
        match self.who() {
            Who::User { station, .. } => {
                // What its place shows stays on a station, whoever signs in before it.
                let place = self.request().endpoint.is_some_and(|endpoint| endpoint.shows_a_place);
                place && station.is_some() && OF_A_STATION.contains(&permission)
                    || self.role_that_may(permission).is_some()
            }
            Who::Station(_) => OF_A_STATION.contains(&permission),
            Who::System(_) => true,
            Who::Nobody => false,
        }
    }

    /// For what goes beyond the permission that the endpoint asks for.
    pub(crate) fn require(&self, permission: Permission) -> Result<(), ApiError> {
        match self.who() {
            Who::Nobody => Err(ApiError::not_signed_in()),
            _ if self.may(permission) => Ok(()),
            _ => Err(ApiError::missing_permission()),
        }
    }

    fn role_that_may(&self, permission: Permission) -> Option<Role> {
        self.roles().iter().copied().find(|role| role.permissions().contains(&permission))
    }

    fn desk(&self) -> &Desk {
        &self.0.desk
    }
}
