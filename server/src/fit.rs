//! Whether the database is fit to serve from, and making it so: everything that is done as its owner, before a port is bound.

use std::time::Duration;

use anyhow::{Context, bail};
use store::migrate::{self, State};
use store::{Access, Role, lease, powers, realms};
use tokio_util::sync::CancellationToken;

use crate::node;

/// A command waits this long for a node that migrates as it starts.
const PATIENCE: Duration = Duration::from_secs(10);

/// Roles may more than serving needs: as wrong as any other configuration.
#[derive(Debug, thiserror::Error)]
#[error("{}: take it away (`vigil migrate --make-roles` sets attributes of roles right)", .0.join("; "))]
pub(crate) struct TooMuch(Vec<String>);

/// A hospital's own data is not taken before it can be brought back.
#[derive(Debug, thiserror::Error)]
#[error(
    "realm live is refused until there are backup and restore: everything runs in realm demo or test, on a database where \
     nobody and nothing is live"
)]
pub(crate) struct Live;

/// Of a command. Answers with what was applied.
pub(crate) async fn schema(access: &Access) -> anyhow::Result<Vec<String>> {
    if access.has_owner() {
        return migrate::run(access, PATIENCE).await.context("migrate");
    }
    match migrate::check(access).await.context("look at the schema")? {
        State::Current => Ok(Vec::new()),
        state => bail!("the schema is {state:?}: run `vigil migrate` with VIGIL_DATABASE_OWNER_URL"),
    }
}

/// Of a node. False: it was stopped before. While a node of an older version is active its schema stays as it is: this one
/// waits without a port, since a standby that would have to migrate at a takeover would do so with its ports open.
pub(crate) async fn to_serve(access: &Access, stop: &CancellationToken) -> anyhow::Result<bool> {
    let mut told = false;
    while access.has_owner() {
        match migrate::run(access, Duration::ZERO).await {
            Ok(applied) => {
                applied.iter().for_each(|one| tracing::info!("applied migration {one}"));
                break;
            }
            Err(store::Error::NodeActive) => {
                if !std::mem::replace(&mut told, true) {
                    tracing::warn!(
                        "a node of an older version is active: this one waits until it stops, then migrates"
                    );
                    node::tell("waiting");
                }
            }
            Err(error) => return Err(error).context("migrate"),
        }
        tokio::select! {
            free = lease::free(access) => free.context("wait for the lease")?,
            () = stop.cancelled() => return Ok(false),
        }
    }
    if !access.has_owner() {
        schema(access).await?;
    }
    powers(access).await?;
    nobody_live(access).await?;
    Ok(true)
}

pub(crate) async fn nobody_live(access: &Access) -> anyhow::Result<()> {
    let db = access.pool(Role::Portal, 1)?.get().await?;
    if realms::live(&db).await.context("look for a live realm")? { Err(Live.into()) } else { Ok(()) }
}

pub(crate) async fn powers(access: &Access) -> anyhow::Result<()> {
    let found = powers::excessive(access).await.context("ask what each role may")?;
    if found.is_empty() { Ok(()) } else { Err(TooMuch(found).into()) }
}
