//! Which database: the one that is named, or a private one.

use anyhow::Context;

use crate::config::Config;

/// The database in use; stopped at the end where this process started it.
pub(crate) struct Database {
    pub(crate) url: String,
    started: Option<localdb::Cluster>,
}

pub(crate) fn options(config: &Config) -> localdb::Options {
    localdb::Options {
        state_dir: config.state_dir().join("localdb"),
        cache_dir: None,
        purpose: localdb::Purpose::Serve,
    }
}

impl Database {
    /// Blocks: assembling and starting a private database takes seconds.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        if let Some(url) = &config.database.url {
            return Ok(Self { url: url.clone(), started: None });
        }
        let cluster =
            localdb::start(&options(config), &|step| tracing::info!("{step}")).context("start the private database")?;
        let url = cluster.url();
        Ok(Self { url, started: cluster.started_here().then_some(cluster) })
    }

    pub(crate) fn close(self) -> anyhow::Result<()> {
        match self.started {
            Some(cluster) => cluster.stop().context("stop the private database"),
            None => Ok(()),
        }
    }

    pub(crate) fn pool(&self, config: &Config) -> anyhow::Result<store::Pool> {
        let connections = config.database.connections;
        Ok(store::Pool::new(&store::Config { url: self.url.clone(), connections })?)
    }
}
