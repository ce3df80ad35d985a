use std::fmt;

use keys::Zeroizing;
use uuid::Uuid;
use vitals::{PatientId, Timestamp};

/// One thing that was made, as a line that a person and a program can read.
pub enum Made {
    Ward {
        name: &'static str,
        id: Uuid,
    },
    User {
        login: &'static str,
        role: &'static str,
        /// Told this once.
        password: Zeroizing<String>,
    },
    Bed {
        name: String,
        /// None: nobody lies there.
        patient: Option<InBed>,
    },
    Station {
        name: String,
        /// Told this once.
        code: Zeroizing<String>,
        expires_at: Timestamp,
    },
}

pub struct InBed {
    pub patient: PatientId,
    /// Medical record number.
    pub number: String,
    pub restricted: bool,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ward { name, id } => write!(f, "ward {name} id {id}"),
            Self::User { login, role, password } => write!(f, "user {login} role {role} password {}", **password),
            Self::Bed { name, patient: None } => write!(f, "bed {name} nobody"),
            Self::Bed { name, patient: Some(InBed { patient, number, restricted }) } => {
                let restricted = if *restricted { " restricted" } else { "" };
                write!(f, "bed {name} patient {patient} mrn {number}{restricted}")
            }
            Self::Station { name, code, expires_at } => write!(f, "station {name} code {} until {expires_at}", **code),
        }
    }
}
