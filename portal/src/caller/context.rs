use std::fmt::{self, Write};

use uuid::Uuid;
use vitals::EventId;

use super::{Caller, Who};
use crate::audit::Purpose;

/// What the database is told about a transaction, for its row-level policies and its history (`migrations/README.md`).
pub(crate) struct Context<'a> {
    pub(super) caller: &'a Caller,
    pub(super) purpose: Purpose,
    /// Of a user at a station: what the station shows, instead of what he sees.
    pub(super) place: bool,
    /// The event that will explain what is written.
    pub(super) audit: Option<EventId>,
}

impl Context<'_> {
    /// Whether somebody treats whom he is shown, who may see some of them through a glass that he broke.
    pub(super) fn treats(&self) -> bool {
        let shows_a_place = self.place && self.caller.station().is_some();
        self.purpose == Purpose::Treatment && self.caller.user().is_some() && !shows_a_place
    }

    /// SQL that sets all of it until the transaction ends, the empty ones too. Only identifiers and words of ours get in.
    pub(crate) fn settings(&self) -> String {
        let (user, station, part) = match self.caller.who() {
            Who::User { station: Some(station), .. } if self.place => (None, Some(station.0), ""),
            Who::User { user, .. } => (Some(user.0), None, ""),
            Who::Station(station) => (None, Some(station.0), ""),
            Who::System(part) => (None, None, part.word()),
            Who::Nobody => (None, None, ""),
        };
        let id = |id: Option<Uuid>| Text(id.map(|id| id.to_string()).unwrap_or_default());
        let mut sql = String::from("SELECT ");
        for (index, (name, value)) in [
            ("user", id(user)),
            ("station", id(station)),
            ("part", Text(part.to_owned())),
            ("purpose", Text(self.purpose.word().to_owned())),
            ("realm", Text(self.caller.realm().map_or("", vitals::Realm::word).to_owned())),
            ("correlation", id(Some(self.caller.request().correlation.0))),
            ("audit", id(self.audit.map(|event| event.0))),
        ]
        .into_iter()
        .enumerate()
        {
            let comma = if index == 0 { "" } else { ", " };
            write!(sql, "{comma}set_config('vigil.{name}', {value}, true)").expect("a String takes everything");
        }
        sql
    }
}

/// A literal that cannot leave its quotes: every value above is of letters, digits and `-`.
struct Text(String);

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        debug_assert!(self.0.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{}", self.0);
        write!(f, "'{}'", self.0)
    }
}
