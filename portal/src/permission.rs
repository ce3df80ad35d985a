//! What a person may do, as a closed list, and the nine roles as sets of it.
//!
//! A role says *what*, never *whom*: which patients it reaches is decided by the relation to each (`may_see` in the database).

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use utoipa::ToSchema;

/// Declares a closed list of words, with the text that stands for each in the database and on the wire.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS, ToSchema)]
        pub(crate) enum $name { $($(#[$each])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub(crate) const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub(crate) const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            #[allow(dead_code, reason = "not every list is read back from the database")]
            pub(crate) fn from_word(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.word() == word)
            }
        }
    };
}

words! {
    /// One thing that somebody may or may not do.
    Permission {
        // The chart: what is known of a person's health.
        ReadVitals = "read_vitals",
        ReadChart = "read_chart",
        WriteChart = "write_chart",
        AnswerAlarms = "answer_alarms",
        SetLimits = "set_limits",
        /// Which device is on whom.
        AssignDevices = "assign_devices",
        /// Who covers which bed.
        ManageCover = "manage_cover",
        /// To open a record without a relation to its person, for an hour and a reason.
        BreakGlass = "break_glass",
        // The office around it.
        FindPatients = "find_patients",
        RegisterPatients = "register_patients",
        ManageAppointments = "manage_appointments",
        ManageBilling = "manage_billing",
        // Who may what.
        ManageUsers = "manage_users",
        ManageGrants = "manage_grants",
        ManageStations = "manage_stations",
        // Who did what.
        SearchAudit = "search_audit",
        ExportAudit = "export_audit",
        ReviewBreakGlass = "review_break_glass",
        // What measures: connectivity and counts, no values.
        ReadDevices = "read_devices",
        ManageDevices = "manage_devices",
    }
}

impl Permission {
    /// Opens or changes what is known of a person's health: granted by two, and never to an administrator.
    pub(crate) const fn clinical(self) -> bool {
        matches!(
            self,
            Self::ReadVitals
                | Self::ReadChart
                | Self::WriteChart
                | Self::AnswerAlarms
                | Self::SetLimits
                | Self::AssignDevices
                | Self::ManageCover
                | Self::BreakGlass
        )
    }
}

words! {
    /// What somebody is employed for.
    Role {
        Nurse = "nurse",
        ChargeNurse = "charge_nurse",
        Physician = "physician",
        Scheduler = "scheduler",
        Biller = "biller",
        Administrator = "administrator",
        Auditor = "auditor",
        PrivacyOfficer = "privacy_officer",
        DeviceEngineer = "device_engineer",
    }
}

impl Role {
    pub(crate) const fn permissions(self) -> &'static [Permission] {
        use Permission as P;
        match self {
            Self::Nurse => &[
                P::ReadVitals,
                P::ReadChart,
                P::WriteChart,
                P::AnswerAlarms,
                P::AssignDevices,
                P::BreakGlass,
                P::FindPatients,
                P::ReadDevices,
            ],
            Self::ChargeNurse => &[
                P::ReadVitals,
                P::ReadChart,
                P::WriteChart,
                P::AnswerAlarms,
                P::SetLimits,
                P::AssignDevices,
                P::ManageCover,
                P::BreakGlass,
                P::FindPatients,
                P::RegisterPatients,
                P::ReadDevices,
            ],
            Self::Physician => &[
                P::ReadVitals,
                P::ReadChart,
                P::WriteChart,
                P::AnswerAlarms,
                P::SetLimits,
                P::BreakGlass,
                P::FindPatients,
                P::ReadDevices,
            ],
            Self::Scheduler => &[P::FindPatients, P::RegisterPatients, P::ManageAppointments],
            Self::Biller => &[P::FindPatients, P::ManageBilling],
            Self::Administrator => &[P::ManageUsers, P::ManageGrants, P::ManageStations, P::ReadDevices],
            Self::Auditor => &[P::SearchAudit, P::ExportAudit],
            Self::PrivacyOfficer => &[P::SearchAudit, P::ExportAudit, P::ReviewBreakGlass],
            Self::DeviceEngineer => &[P::ReadDevices, P::ManageDevices],
        }
    }

    /// Holds a clinical permission.
    pub(crate) fn clinical(self) -> bool {
        self.permissions().iter().any(|permission| permission.clinical())
    }

    /// Knows patients, by their health or by their names.
    pub(crate) fn opens_charts(self) -> bool {
        let office = [Permission::FindPatients, Permission::RegisterPatients];
        self.clinical() || self.permissions().iter().any(|permission| office.contains(permission))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One letter a role, in the order of `Role::ALL`; a point where it may not.
    const TABLE: &str = "
        read_vitals          N C P . . . . . .
        read_chart           N C P . . . . . .
        write_chart          N C P . . . . . .
        answer_alarms        N C P . . . . . .
        set_limits           . C P . . . . . .
        assign_devices       N C . . . . . . .
        manage_cover         . C . . . . . . .
        break_glass          N C P . . . . . .
        find_patients        N C P S B . . . .
        register_patients    . C . S . . . . .
        manage_appointments  . . . S . . . . .
        manage_billing       . . . . B . . . .
        manage_users         . . . . . A . . .
        manage_grants        . . . . . A . . .
        manage_stations      . . . . . A . . .
        search_audit         . . . . . . U R .
        export_audit         . . . . . . U R .
        review_break_glass   . . . . . . . R .
        read_devices         N C P . . A . . D
        manage_devices       . . . . . . . . D";

    #[test]
    fn every_role_is_the_set_that_the_table_says() {
        let lines: Vec<_> = TABLE.lines().filter(|line| !line.trim().is_empty()).collect();
        assert_eq!(lines.len(), Permission::ALL.len());
        for (line, permission) in lines.iter().zip(Permission::ALL) {
            let mut words = line.split_whitespace();
            assert_eq!(words.next(), Some(permission.word()));
            let marks: Vec<_> = words.collect();
            assert_eq!(marks.len(), Role::ALL.len(), "{line}");
            for (mark, role) in marks.iter().zip(Role::ALL) {
                let may = role.permissions().contains(permission);
                assert_eq!(may, *mark != ".", "{} {}", role.word(), permission.word());
            }
        }
    }

    #[test]
    fn who_hands_out_rights_reads_no_chart_and_who_reads_one_hands_out_none() {
        for role in Role::ALL {
            let administers = role.permissions().iter().any(|one| {
                matches!(one, Permission::ManageUsers | Permission::ManageGrants | Permission::ManageStations)
            });
            assert!(!(administers && role.clinical()), "{}", role.word());
            let office = [Permission::FindPatients, Permission::RegisterPatients];
            assert!(!administers || office.iter().all(|one| !role.permissions().contains(one)), "{}", role.word());
        }
        let reviews = |role: &&Role| role.permissions().contains(&Permission::ReviewBreakGlass);
        assert!(Role::ALL.iter().filter(reviews).all(|role| !role.permissions().contains(&Permission::BreakGlass)));
    }

    #[test]
    fn a_word_comes_back_as_it_went() {
        for permission in Permission::ALL {
            assert_eq!(Permission::from_word(permission.word()), Some(*permission));
        }
        for role in Role::ALL {
            assert_eq!(Role::from_word(role.word()), Some(*role));
        }
        assert_eq!(Role::from_word("root"), None);
    }
}
