//! Which database: the one that is named, or a private one.

use std::fs::{self, File};
use std::path::PathBuf;

use anyhow::Context;
use store::Access;

use crate::config::Config;

/// The database in use. The last process to leave a private one stops it, unless a person started it.
pub(crate) struct Database {
    pub(crate) access: Access,
    private: Option<Private>,
}

struct Private {
    cluster: localdb::Cluster,
    users: Users,
}

/// A file that every process locks that uses the private database, shared.
struct Users(File);

impl Users {
    /// Waits while the last one to leave stops the database.
    fn join(config: &Config) -> anyhow::Result<Self> {
        let path = config.state_dir().join("localdb.in-use");
        fs::create_dir_all(config.state_dir()).context("make the state folder")?;
        let file = File::create(&path).with_context(|| format!("create {}", path.display()))?;
        file.lock_shared().with_context(|| format!("lock {}", path.display()))?;
        Ok(Self(file))
    }

    /// Whether nobody else is there. Who asks has left, whatever the answer; who comes now waits for the drop.
    fn leave(&self) -> bool {
        self.0.try_lock().is_ok()
    }
}

pub(crate) fn options(config: &Config) -> localdb::Options {
    localdb::Options {
        state_dir: config.state_dir().join("localdb"),
        cache_dir: None,
        purpose: localdb::Purpose::Serve,
    }
}

/// `vigil localdb start`: until `vigil localdb stop`, whoever comes and leaves.
pub(crate) fn keep(config: &Config, progress: &dyn Fn(&str)) -> anyhow::Result<localdb::Cluster> {
    let _users = Users::join(config)?;
    let cluster = localdb::start(&options(config), progress)?;
    fs::write(kept(config), "").context("note that the database was started by hand")?;
    Ok(cluster)
}

fn kept(config: &Config) -> std::path::PathBuf {
    config.state_dir().join("localdb.kept")
}

impl Database {
    /// Blocks: assembling and starting a private database takes seconds.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(access) = config.database.access()? {
            return Ok(Self { access, private: None });
        }
        let users = Users::join(config)?;
        let cluster =
            localdb::start(&options(config), &|step| tracing::info!("{step}")).context("start the private database")?;
        // What a person started has ended since, by a reboot, say.
        if cluster.started_here() && kept(config).exists() {
            fs::remove_file(kept(config)).context("forget who started the database")?;
        }
        let access = Access::new(&cluster.place(), cluster.passwords())?.with_owner(&cluster.owner_url())?;
        Ok(Self { access, private: Some(Private { cluster, users }) })
    }

    /// Where a private one keeps its data; nothing tells that of another one.
    pub(crate) fn data_dir(&self) -> Option<PathBuf> {
        self.private.as_ref().map(|private| private.cluster.data_dir())
    }

    pub(crate) fn close(self, config: &Config) -> anyhow::Result<()> {
        let Some(Private { cluster, users }) = self.private else { return Ok(()) };
        if kept(config).exists() || !users.leave() {
            return Ok(());
        }
        cluster.stop().context("stop the private database")
    }
}
