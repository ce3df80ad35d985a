//! The root key of this node: where it is looked for, and whether it is the one of the database.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use keys::{Keyring, RootError, RootFile, RootKey};
use store::lease::Epoch;
use store::{Access, Pool, Role};
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::database::Database;

/// Of whoever does one thing.
const CONNECTIONS: usize = 2;

/// Pause before a standby asks again.
const RETRY: Duration = Duration::from_secs(1);

/// As wrong as any other configuration: start is refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("no root key: `vigil keys init FILE` makes one, and [keys] file or VIGIL_KEYS_FILE names it")]
    Unnamed,
    #[error(transparent)]
    File(#[from] RootError),
    #[error("the root key does not fit the database")]
    Foreign(#[source] keys::Error),
}

/// Before anything is made: whether the file that is named can be our root key.
pub(crate) fn look(config: &Config) -> Result<(), Wrong> {
    match &config.keys.file {
        Some(path) => RootKey::read(&named(config, path.clone(), None)).map(drop).map_err(Wrong::File),
        None if config.database.url.is_some() => Err(Wrong::Unnamed),
        None => Ok(()),
    }
}

/// On a private database without a root key that is named, a throw-away one beside it: for a demonstration.
pub(crate) fn find(config: &Config, database: &Database) -> Result<RootKey, Wrong> {
    if let Some(path) = &config.keys.file {
        return Ok(RootKey::read(&named(config, path.clone(), Some(database)))?);
    }
    let Some(_) = database.data_dir() else { return Err(Wrong::Unnamed) };
    let path = config.state_dir().join("demo-root.key");
    if !path.exists() {
        RootKey::make(&path)?;
        tracing::info!("a throw-away root key was made beside the private database");
    }
    Ok(RootKey::read(&RootFile { path, apart_from: Vec::new() })?)
}

/// Where a root key may lie.
pub(crate) fn named(config: &Config, path: PathBuf, database: Option<&Database>) -> RootFile {
    let data = database.and_then(Database::data_dir);
    RootFile { path, apart_from: [config.state_dir()].into_iter().chain(data).collect() }
}

/// Both databases, as `vigil_keys`.
pub(crate) fn pools(access: &Access) -> Result<(Pool, Pool), store::Error> {
    Ok((access.pool(Role::Keys, CONNECTIONS)?, access.key_store().pool(Role::Keys, CONNECTIONS)?))
}

/// Whether the root key opens what is there.
pub(crate) async fn fits(config: &Config, database: &Database) -> anyhow::Result<()> {
    let root = find(config, database)?;
    let (main, store) = pools(&database.access)?;
    Keyring::fits(&root, &main, &store).await.map_err(told)
}

/// Of a standby, until `over`: it opens nothing, and says which keys it knows, so that no rotation forgets a root key that
/// its file still holds.
pub(crate) async fn stand_by(config: &Config, database: &Database, over: &CancellationToken) {
    let know = async {
        loop {
            match known(config, database).await {
                Ok(following) => following.await,
                Err(error) => tracing::warn!("this standby cannot say which keys it knows: {error:#}"),
            }
            tokio::time::sleep(RETRY).await;
        }
    };
    tokio::select! { () = know => {}, () = over.cancelled() => {} }
}

async fn known(config: &Config, database: &Database) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
    let root = find(config, database)?;
    let (main, store) = pools(&database.access)?;
    let (_, following) = Keyring::follow(root, main, store).await.map_err(told)?;
    Ok(following)
}

/// Of the active node: its keyring, and what keeps it current.
pub(crate) async fn follow(
    config: &Config,
    database: &Database,
    epoch: Epoch,
) -> anyhow::Result<(Keyring, impl Future<Output = ()> + Send + use<>)> {
    let root = find(config, database)?;
    let connections = config.database.connections.keys;
    let main = database.access.fenced(Role::Keys, connections, epoch)?;
    let store = database.access.key_store().fenced(Role::Keys, connections, epoch)?;
    Keyring::follow(root, main, store).await.map_err(told)
}

pub(crate) fn told(error: keys::Error) -> anyhow::Error {
    match error.is_wrong_root() {
        true => Wrong::Foreign(error).into(),
        false => anyhow::Error::new(error).context("read the keys"),
    }
}
