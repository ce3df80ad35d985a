//! The other side, in a process of its own as the portal is: the same reads with nothing seen to (`portal/src/bare.rs`).

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use keys::{Keyring, RootFile, RootKey};
use portal::bare::Frames;
use portal::{Deps, Hub};
use store::{Access, Pool, Role, roster};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use vitals::Clock;

use crate::server::Process;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    place: String,
    #[arg(long)]
    passwords: PathBuf,
    #[arg(long)]
    root_key: PathBuf,
    /// For what `Deps` wants and nobody writes to.
    #[arg(long)]
    folder: PathBuf,
}

/// As many as the server has for its portal (`server/src/config/database.rs`), and as many in use at once.
const CONNECTIONS: usize = 16;

/// The address of whom no policy binds. Not an argument: it holds a password.
const SUPERUSER: &str = "VIGIL_BENCH_SUPERUSER_URL";

pub(super) fn start(access: &[(&str, String)], superuser_url: &str) -> anyhow::Result<(Process, SocketAddr)> {
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.arg("bare").args(access.iter().flat_map(|(name, value)| [format!("--{name}"), value.clone()]));
    command.env(SUPERUSER, superuser_url);
    let (process, lines) = Process::start(command)?;
    let line = lines.iter().find_map(|line| line.strip_prefix("portal "));
    Ok((process, line.context("an address")?.parse()?))
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(arguments))
}

async fn serve(arguments: &Arguments) -> anyhow::Result<()> {
    #[expect(clippy::disallowed_methods, reason = "an argument that nobody may read")]
    let superuser = std::env::var(SUPERUSER)?;
    let access = Access::new(&arguments.place, Some(arguments.passwords.clone()))?;
    // Plans are kept on this side as on the other, but of the statement that reads frames from their hypertable: the functions that
    // read hypertables keep none of theirs, so that a plan of a statement that calls one fits whatever is asked.
    let keeping = format!("{superuser} options='-c plan_cache_mode=auto'");
    let pool = access.clone().with_owner(&keeping)?.pool(Role::Owner, CONNECTIONS)?;
    let frames = Frames {
        pool: access.clone().with_owner(&superuser)?.pool(Role::Owner, CONNECTIONS)?,
        turns: Arc::new(Semaphore::new(CONNECTIONS)),
    };
    let (clock, keyring) = (Clock::system(), keyring(&access, root_key(&arguments.root_key)?).await?);
    let (roster, watching) = roster::watch(pool.clone()).await?;
    let watching = tokio::spawn(watching);
    let deps = Deps {
        hub: Hub::new(clock.clone(), roster.clone(), &[], 0),
        audit_pool: access.pool(Role::Audit, 1)?,
        audit: portal::audit::Settings::in_folder(&arguments.folder),
        transport: portal::Transport::Plain,
        ready: Arc::new(|| Ok(())),
        pool,
        clock,
        keyring,
        roster,
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("portal {}\nready", listener.local_addr()?);
    portal::bare::run(deps, frames, listener, CancellationToken::new()).await?;
    watching.abort();
    Ok(())
}

pub(super) fn root_key(path: &Path) -> anyhow::Result<RootKey> {
    Ok(RootKey::read(&RootFile { path: path.to_owned(), apart_from: Vec::new() })?)
}

pub(super) async fn keyring(access: &Access, root: RootKey) -> anyhow::Result<Keyring> {
    let (main, store): (Pool, Pool) = (access.pool(Role::Keys, 1)?, access.key_store().pool(Role::Keys, 1)?);
    Ok(Keyring::open(root, main, store).await?)
}
