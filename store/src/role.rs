/// As whom a part talks to the database. `migrations/roles.sql` makes them, migrations say what each may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Owns both databases; for migrations only.
    Owner,
    Ingest,
    Alerting,
    Portal,
    /// Appends to the audit, for the portal.
    Audit,
    /// Reads wrapped keys, in a database of their own.
    Keys,
}

impl Role {
    /// Those that a running server uses.
    pub const RUNNING: [Self; 5] = [Self::Ingest, Self::Alerting, Self::Portal, Self::Audit, Self::Keys];

    /// In the database, and of the file with its password.
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "vigil_owner",
            Self::Ingest => "vigil_ingest",
            Self::Alerting => "vigil_alerting",
            Self::Portal => "vigil_portal",
            Self::Audit => "vigil_audit",
            Self::Keys => "vigil_keys",
        }
    }
}
