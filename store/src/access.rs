use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio_postgres::Config;

use crate::connect::{Fence, parse};
use crate::lease::Epoch;
use crate::{Error, Pool, Role};

/// What screens and the audit ask is asked thousands of times a second, and planning it would cost more than asking. They
/// have no right on hypertables, and the functions that have plan for themselves (decision 0011).
const PLANS_KEPT: &str = "-c plan_cache_mode=auto";

/// Its tables only grow, and a plan that was made while they were small, those of foreign keys too, would read all of them at
/// each event.
const BY_INDEX: &str = "-c enable_seqscan=off";

/// How to connect as each role: to one place, each with a password of its own.
#[derive(Clone)]
pub struct Access {
    place: Config,
    passwords: Option<PathBuf>,
    owner: Option<Config>,
    /// Of the main database, where this one's nodes have their epochs.
    main: Option<Box<Self>>,
}

impl Access {
    /// `url` names the place and the database, and nobody. In `passwords` lies a file for each role, named by it and closed
    /// to others; without, the database trusts whoever reaches it, or knows him by other means.
    pub fn new(url: &str, passwords: Option<PathBuf>) -> Result<Self, Error> {
        let place = parse(url)?;
        if place.get_user().is_some() || place.get_password().is_some() {
            return Err(Error::Place("names a user or a password: every part connects as a role of its own"));
        }
        if place.get_dbname().is_none() {
            return Err(Error::Place("names no database (dbname)"));
        }
        Ok(Self { place, passwords, owner: None, main: None })
    }

    /// The owner has an address of its own, which only whoever migrates knows.
    pub fn with_owner(mut self, url: &str) -> Result<Self, Error> {
        let mut owner = parse(url)?;
        owner.dbname(self.database());
        self.owner = Some(owner);
        Ok(self)
    }

    /// As its address has it.
    pub fn owner_password(&self) -> Option<String> {
        let password = self.owner.as_ref()?.get_password()?;
        Some(String::from_utf8_lossy(password).into_owned())
    }

    /// Whether the schema can be changed from here.
    pub fn has_owner(&self) -> bool {
        self.owner.is_some()
    }

    /// The database of keys beside this one: never in one dump with what they open.
    pub fn key_store(&self) -> Self {
        let name = format!("{}_keys", self.database());
        let mut beside = self.clone();
        beside.place.dbname(&name);
        if let Some(owner) = &mut beside.owner {
            owner.dbname(&name);
        }
        beside.main = Some(Box::new(self.clone()));
        beside
    }

    /// Whose sessions say that this part of Vigil works for itself (`acting_part()` of the schema), unless a transaction says
    /// otherwise.
    pub fn acting(&self, part: &str) -> Self {
        let mut access = self.clone();
        let theirs = self.place.get_options().unwrap_or_default();
        let options = format!("{theirs} -c vigil.part={part}");
        access.place.options(options);
        access
    }

    pub fn database(&self) -> &str {
        self.place.get_dbname().unwrap_or_default()
    }

    /// For whoever runs beside the active node. Connects to nothing yet.
    pub fn pool(&self, role: Role, connections: usize) -> Result<Pool, Error> {
        Pool::build(self.to(role)?, connections, None)
    }

    /// Of the active node: once another has taken over, its connections are ended and it makes no more.
    pub fn fenced(&self, role: Role, connections: usize, epoch: Epoch) -> Result<Pool, Error> {
        let elsewhere = self.main.as_ref().map(|main| main.to(role)).transpose()?;
        Pool::build(self.to(role)?, connections, Some(Fence { epoch, elsewhere }))
    }

    /// Who looks whether the owner has gone: somebody who may connect to this database.
    pub(crate) fn watcher(&self) -> Role {
        if self.main.is_some() { Role::Keys } else { Role::Ingest }
    }

    pub(crate) fn to(&self, role: Role) -> Result<Config, Error> {
        if role == Role::Owner {
            return self.owner.clone().ok_or(Error::NoOwner);
        }
        let mut to = self.place.clone();
        to.user(role.name());
        if matches!(role, Role::Portal | Role::Audit) {
            let theirs = to.get_options().unwrap_or_default().to_owned();
            let by_index = if role == Role::Audit { BY_INDEX } else { "" };
            to.options(format!("{PLANS_KEPT} {by_index} {theirs}"));
        }
        if let Some(folder) = &self.passwords {
            to.password(password(&folder.join(role.name()))?);
        }
        Ok(to)
    }
}

/// May hold passwords.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Access({})", self.database())
    }
}

fn password(path: &Path) -> Result<String, Error> {
    let failed = |why: String| Error::Password { path: path.to_owned(), why };
    let found = fs::metadata(path).map_err(|error| failed(error.to_string()))?;
    if found.mode() & 0o077 != 0 {
        return Err(failed("it is open to others: give it the mode 0600".to_owned()));
    }
    let text = fs::read_to_string(path).map_err(|error| failed(error.to_string()))?;
    match text.trim() {
        "" => Err(failed("it is empty".to_owned())),
        password => Ok(password.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_names_a_database_and_nobody() {
        for url in ["host=/run/x", "host=/run/x dbname=vigil user=vigil", "postgres://u:p@h/vigil", "postgres://h"] {
            assert!(matches!(Access::new(url, None), Err(Error::Place(_))), "{url}");
        }
        let access = Access::new("postgres://localhost/vigil", None).unwrap();
        assert!(matches!(access.to(Role::Owner), Err(Error::NoOwner)));
        assert_eq!(access.to(Role::Ingest).unwrap().get_user(), Some("vigil_ingest"));
        let access = access.with_owner("host=/run/x user=vigil_owner").unwrap();
        let keys = access.key_store();
        assert_eq!((access.database(), keys.database()), ("vigil", "vigil_keys"));
        assert_eq!(keys.to(Role::Owner).unwrap().get_dbname(), Some("vigil_keys"));
    }
}
