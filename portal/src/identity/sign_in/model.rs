use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;
use vitals::{Timestamp, UserId};
use zeroize::Zeroizing;

use crate::identity::sessions::{Session, State};
use crate::identity::stations::StationView;
use crate::permission::{Permission, Role};

/// Who is signed in here, and what for.
#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct SessionView {
    #[ts(type = "\"none\" | \"half\" | \"open\" | \"locked\"")]
    pub state: &'static str,
    pub user: Option<SignedIn>,
    /// Where this screen is enrolled.
    pub station: Option<StationView>,
    pub factors: Vec<&'static str>,
    pub roles: Vec<Role>,
    pub permissions: Vec<Permission>,
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub locks_at: Option<Timestamp>,
    /// Unless there is input.
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ends_at: Option<Timestamp>,
    #[ts(type = "string | null")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stepped_up_until: Option<Timestamp>,
}

#[derive(Debug, Serialize, TS, ToSchema)]
pub(crate) struct SignedIn {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub id: UserId,
    pub login: String,
    pub display_name: String,
}

impl SessionView {
    pub(super) fn nobody(station: Option<StationView>) -> Self {
        Self {
            state: "none",
            user: None,
            station,
            factors: Vec::new(),
            roles: Vec::new(),
            permissions: Vec::new(),
            locks_at: None,
            ends_at: None,
            stepped_up_until: None,
        }
    }

    pub(super) fn new(session: &Session, roles: Vec<Role>, station: Option<StationView>, now: Timestamp) -> Self {
        let Some(state) = session.state(now) else { return Self::nobody(station) };
        let all = Permission::ALL.iter().copied();
        let permissions = all.filter(|one| roles.iter().any(|role| role.permissions().contains(one)));
        Self {
            state: state.word(),
            user: Some(SignedIn {
                id: session.user,
                login: session.login.clone(),
                display_name: session.display_name.clone(),
            }),
            station,
            factors: session.factors.iter().map(|factor| factor.word()).collect(),
            permissions: if state == State::Open { permissions.collect() } else { Vec::new() },
            roles,
            locks_at: (state == State::Open).then(|| session.locks_at()),
            ends_at: Some(session.ends_at()),
            stepped_up_until: session.stepped_up_until().filter(|until| now < *until),
        }
    }
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignInBody {
    pub login: String,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub password: Zeroizing<String>,
}

/// Six digits of an authenticator, or a recovery code.
#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeBody {
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub code: Zeroizing<String>,
}

#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PinSignInBody {
    pub login: String,
    #[ts(type = "string")]
    #[schema(value_type = String)]
    pub pin: Zeroizing<String>,
}

/// One of the two.
#[derive(Deserialize, TS, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UnlockBody {
    #[serde(default)]
    #[ts(type = "string | null", optional = nullable)]
    #[schema(value_type = Option<String>)]
    pub pin: Option<Zeroizing<String>>,
    #[serde(default)]
    #[ts(type = "string | null", optional = nullable)]
    #[schema(value_type = Option<String>)]
    pub password: Option<Zeroizing<String>>,
}
