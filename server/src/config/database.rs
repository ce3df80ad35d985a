use std::path::PathBuf;

use serde::Deserialize;
use store::Access;

use super::{Error, address, env};

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Database {
    /// Place and database, naming nobody. Without one, the private database is used. `VIGIL_DATABASE_URL` overrides.
    pub(crate) url: Option<String>,
    /// A folder with a file for each role, named by it: its password. `VIGIL_DATABASE_PASSWORDS` overrides.
    pub(crate) passwords: Option<PathBuf>,
    pub(crate) connections: Connections,
    /// As `vigil_owner`, for migrations: `VIGIL_DATABASE_OWNER_URL` only.
    #[serde(skip)]
    owner_url: Option<String>,
    /// As a superuser, for `vigil migrate --make-roles`: `VIGIL_DATABASE_ADMIN_URL` only.
    #[serde(skip)]
    pub(crate) admin_url: Option<String>,
}

/// Of the pool of each role. Ingest's writers have their own beside it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Connections {
    pub(crate) ingest: usize,
    pub(crate) alerting: usize,
    pub(crate) portal: usize,
    pub(crate) audit: usize,
    pub(crate) keys: usize,
}

impl Default for Connections {
    fn default() -> Self {
        // Two nodes fit beside each other into the hundred of a PostgreSQL as it comes.
        Self { ingest: 6, alerting: 4, portal: 16, audit: 4, keys: 4 }
    }
}

impl Connections {
    pub(crate) fn all(&self) -> usize {
        let Self { ingest, alerting, portal, audit, keys } = *self;
        [ingest, alerting, portal, audit, keys].into_iter().fold(0, usize::saturating_add)
    }
}

impl Database {
    pub(super) fn read_environment(&mut self) {
        self.url = env("VIGIL_DATABASE_URL").or(self.url.take());
        self.passwords = env("VIGIL_DATABASE_PASSWORDS").map(PathBuf::from).or(self.passwords.take());
        self.owner_url = env("VIGIL_DATABASE_OWNER_URL");
        self.admin_url = env("VIGIL_DATABASE_ADMIN_URL");
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        for url in [&self.url, &self.owner_url, &self.admin_url].into_iter().flatten() {
            for host in address::hosts(url).map_err(Error::DatabaseUrl)? {
                if !address::is_this_machine(&host) {
                    return Err(Error::DatabaseBeyondLoopback(host));
                }
            }
        }
        self.access()?;
        Ok(())
    }

    /// None: the private database.
    pub(crate) fn access(&self) -> Result<Option<Access>, store::Error> {
        let Some(url) = &self.url else { return Ok(None) };
        let access = Access::new(url, self.passwords.clone())?;
        match &self.owner_url {
            None => Ok(Some(access)),
            Some(owner) => access.with_owner(owner).map(Some),
        }
    }
}
