//! What is said about one access: who did it, when and from where is the caller's to say, not the handler's.

use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vitals::{DeviceKey, PatientId, Timestamp};

/// Declares a closed list, with the word that stands for each in the database.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub(crate) enum $name { $($(#[$each])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

words! {
    /// What kind of access it is, for whoever searches.
    Category {
        /// Numbers, alarms and charts of somebody under care.
        Care = "care",
        /// Sign-in, sessions, factors, stations.
        Identity = "identity",
        /// Users, roles, grants, break-glass.
        Rights = "rights",
        /// What measures, without what it measured.
        Devices = "devices",
        /// The audit itself.
        Audit = "audit",
        /// Keys: made, rotated, exported, destroyed.
        Keys = "keys",
    }
}

words! {
    /// The letters of IHE and FHIR.
    Action { Create = "C", Read = "R", Update = "U", Delete = "D", Execute = "E" }
}

words! {
    Outcome {
        Success = "success",
        /// No right.
        Refused = "refused",
        /// No result.
        Failed = "failed",
    }
}

words! {
    /// Why: the codes of HL7's purposes of use.
    Purpose {
        Treatment = "TREAT",
        BreakGlass = "BTG",
        Payment = "PAY",
        Operations = "OPS",
    }
}

words! {
    /// What was read or changed: a table in the singular, or what is made of several.
    EntityKind {
        AccessGrant = "access_grant",
        Alarm = "alarm",
        AuditEvent = "audit_event",
        AuditLink = "audit_link",
        Credential = "credential",
        Device = "device",
        /// A path that was refused before it was known what lies behind it.
        Endpoint = "endpoint",
        Location = "location",
        /// Numbers and alarms as they happen.
        LiveView = "live_view",
        OneTimeCode = "one_time_code",
        Patient = "patient",
        PatientKey = "patient_key",
        RoleGrant = "role_grant",
        Session = "session",
        Station = "station",
        SystemKey = "system_key",
        User = "user",
        Vitals = "vitals",
    }
}

/// What was read or changed: one thing, or all of a kind.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub(super) kind: EntityKind,
    pub(super) id: Option<Uuid>,
    pub(super) version: Option<i32>,
}

impl Entity {
    pub(crate) fn one(kind: EntityKind, id: Uuid) -> Self {
        Self { kind, id: Some(id), version: None }
    }

    pub(crate) fn all(kind: EntityKind) -> Self {
        Self { kind, id: None, version: None }
    }

    #[must_use]
    pub(crate) fn version(self, version: i32) -> Self {
        Self { version: Some(version), ..self }
    }
}

/// A device for a while: stands for whoever it was on then, whose names only the audit learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Worn {
    pub(crate) device: DeviceKey,
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

/// One access, with everybody whom it is about.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) category: Category,
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    pub(crate) entity: Entity,
    /// Sorted, each once.
    pub(crate) subjects: Vec<PatientId>,
    pub(crate) worn: Option<Worn>,
    /// Free text, reasons and search terms: it reaches the table sealed.
    pub(crate) detail: Option<String>,
}

impl Event {
    pub(crate) fn new(category: Category, action: Action, entity: Entity) -> Self {
        Self { category, action, outcome: Outcome::Success, entity, subjects: Vec::new(), worn: None, detail: None }
    }

    /// Adds those whom it is about.
    #[must_use]
    pub(crate) fn about(mut self, patients: impl IntoIterator<Item = PatientId>) -> Self {
        self.subjects.extend(patients);
        self.subjects.sort_unstable();
        self.subjects.dedup();
        self
    }

    /// Adds whoever wore this device then: of a refusal, those who may not be named to who asks.
    #[must_use]
    pub(crate) fn about_whoever_wore(self, device: DeviceKey, from: Timestamp, to: Timestamp) -> Self {
        Self { worn: Some(Worn { device, from, to }), ..self }
    }

    /// Parts it by whom it is about: these, and all others. None: nobody.
    pub(crate) fn part(self, these: &[PatientId]) -> (Option<Self>, Option<Self>) {
        let (of_these, others): (Vec<_>, Vec<_>) =
            self.subjects.iter().copied().partition(|patient| these.contains(patient));
        match (of_these.is_empty(), others.is_empty()) {
            (true, _) => (None, Some(self)),
            (false, true) => (Some(self), None),
            (false, false) => {
                (Some(Self { subjects: of_these, ..self.clone() }), Some(Self { subjects: others, ..self }))
            }
        }
    }

    #[must_use]
    pub(crate) fn detail(self, text: impl Into<String>) -> Self {
        Self { detail: Some(text.into()), ..self }
    }

    #[must_use]
    pub(crate) fn outcome(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }
}
