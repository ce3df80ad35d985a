//! The root key of this node: where it is looked for, and whether it is the one of the database.

use std::future::Future;
use std::path::PathBuf;
use std::time::Duration;

use keys::vault::Vault;
use keys::{Keyring, Place, RootError, RootFile, RootKey, WrappedFile};
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

/// Before anything is made: whether the file that is named can be our root key. Asks no vault.
pub(crate) fn look(config: &Config) -> Result<(), Wrong> {
    match &config.keys.file {
        Some(path) => Ok(named(config, path.clone(), None)?.look()?),
        None if config.database.url.is_some() => Err(Wrong::Unnamed),
        None => Ok(()),
    }
}

/// On a private database without a root key that is named, a throw-away one beside it: for a demonstration.
pub(crate) async fn find(config: &Config, database: &Database) -> anyhow::Result<RootKey> {
    if let Some(path) = &config.keys.file {
        let place = named(config, path.clone(), Some(database)).map_err(unfit)?;
        return Box::pin(place.read()).await.map_err(unfit);
    }
    let Some(_) = database.data_dir() else { return Err(Wrong::Unnamed.into()) };
    let path = config.state_dir().join("demo-root.key");
    if !path.exists() {
        RootKey::make(&path).map_err(unfit)?;
        tracing::info!("a throw-away root key was made beside the private database");
    }
    RootKey::read(&RootFile { path, apart_from: Vec::new() }).map_err(unfit)
}

/// What this file is to hold, and where it may lie: one that a vault wraps may lie anywhere, the secret that opens the vault not.
pub(crate) fn named(config: &Config, path: PathBuf, database: Option<&Database>) -> Result<Place, RootError> {
    let data = database.and_then(Database::data_dir);
    let apart_from: Vec<PathBuf> = [config.state_dir()].into_iter().chain(data).collect();
    match &config.keys.vault {
        Some(vault) => Ok(Place::Wrapped(WrappedFile { path, vault: Vault::new(&vault.settings(&apart_from)?)? })),
        None => Ok(Place::Plain(RootFile { path, apart_from })),
    }
}

/// What a vault says may be another thing in a moment; whatever else is wrong with a root key stays so.
pub(crate) fn unfit(error: RootError) -> anyhow::Error {
    match error.is_temporary() {
        true => anyhow::Error::new(error).context("open the root key"),
        false => Wrong::File(error).into(),
    }
}

/// Both databases, as `vigil_keys`.
pub(crate) fn pools(access: &Access) -> Result<(Pool, Pool), store::Error> {
    Ok((access.pool(Role::Keys, CONNECTIONS)?, access.key_store().pool(Role::Keys, CONNECTIONS)?))
}

/// The root key, once it is known that it opens what is there.
pub(crate) async fn fits(config: &Config, database: &Database) -> anyhow::Result<RootKey> {
    let root = find(config, database).await?;
    let (main, store) = pools(&database.access)?;
    Keyring::fits(&root, &main, &store).await.map_err(told)?;
    Ok(root)
}

/// Of a standby, until `over`: it opens nothing, and says which keys it knows, so that no rotation forgets a root key that
/// its file still holds. The answer is the newest root key that it came to know: a takeover waits for no vault.
pub(crate) async fn stand_by(root: &RootKey, database: &Database, over: &CancellationToken) -> RootKey {
    let mut standing = None;
    let know = async {
        loop {
            let newest = standing.as_ref().and_then(Keyring::root).unwrap_or_else(|| root.clone());
            match known(newest, database).await {
                Ok((keyring, following)) => {
                    standing = Some(keyring);
                    following.await;
                }
                Err(error) => tracing::warn!("this standby cannot say which keys it knows: {error:#}"),
            }
            tokio::time::sleep(RETRY).await;
        }
    };
    tokio::select! { () = know => {}, () = over.cancelled() => {} }
    standing.as_ref().and_then(Keyring::root).unwrap_or_else(|| root.clone())
}

async fn known(
    root: RootKey,
    database: &Database,
) -> anyhow::Result<(Keyring, impl Future<Output = ()> + Send + use<>)> {
    let (main, store) = pools(&database.access)?;
    Box::pin(Keyring::follow(root, main, store)).await.map_err(told)
}

/// Of the active node: its keyring, and what keeps it current.
pub(crate) async fn follow(
    root: RootKey,
    config: &Config,
    database: &Database,
    epoch: Epoch,
) -> anyhow::Result<(Keyring, impl Future<Output = ()> + Send + use<>)> {
    let connections = config.database.connections.keys;
    let main = database.access.fenced(Role::Keys, connections, epoch)?;
    let store = database.access.key_store().fenced(Role::Keys, connections, epoch)?;
    Box::pin(Keyring::follow(root, main, store)).await.map_err(told)
}

pub(crate) fn told(error: keys::Error) -> anyhow::Error {
    match error {
        keys::Error::Root(error) => unfit(error),
        error if error.is_wrong_root() => Wrong::Foreign(error).into(),
        error => anyhow::Error::new(error).context("read the keys"),
    }
}
