use std::io::{self, BufWriter};
use std::path::PathBuf;

use anyhow::{Context, bail};
use keys::Keyring;
use portal::audit::{Filter, Format, PublicKey, Verified, export, verify};
use store::Role;
use vitals::Clock;

use super::block_on;
use crate::args::{Audit, Export};
use crate::config::Config;
use crate::database::Database;
use crate::{fit, root_key};

/// Of whoever does one thing.
const CONNECTIONS: usize = 2;

pub(crate) fn audit(config: &Config, command: Audit) -> anyhow::Result<()> {
    if let Audit::Export(_) = &command {
        root_key::look(config)?;
    }
    let database = Database::open(config)?;
    let outcome = block_on(async {
        fit::schema(&database.access).await?;
        match command {
            Audit::Verify { public_key, heads } => look(config, &database, public_key, heads).await,
            Audit::Export(what) => write(config, &database, *what).await,
        }
    });
    database.close(config)?;
    outcome
}

async fn look(
    config: &Config,
    database: &Database,
    public_key: Option<PathBuf>,
    heads: Vec<PathBuf>,
) -> anyhow::Result<()> {
    let settings = config.audit.settings(config);
    let key = match public_key {
        Some(file) => PublicKey::read(&file)?,
        None => {
            settings.public_key().context("the public key of the heads: the portal writes it at its first start")?
        }
    };
    let files = if heads.is_empty() { settings.files_of_heads() } else { heads };
    let pool = database.access.pool(Role::Audit, CONNECTIONS)?;
    let seen = verify(&pool, &key, &files, Clock::system().now()).await?;
    let Verified { streams, links, heads, unsealed, adopted, findings } = &seen;
    let (of_nobody, found) = (adopted.len(), findings.len());
    println!("streams={streams} links={links} heads={heads} unsealed={unsealed} adopted={of_nobody} findings={found}");
    for event in adopted {
        println!("{event}");
    }
    for finding in findings {
        println!("{finding}");
    }
    match findings.len() {
        0 => Ok(()),
        found => bail!("the audit is not as it was written: {found} findings"),
    }
}

async fn write(config: &Config, database: &Database, what: Export) -> anyhow::Result<()> {
    let (main, store) = root_key::pools(&database.access)?;
    let root = root_key::find(config, database).await?;
    let keyring = Keyring::open(root, main, store).await.map_err(root_key::told)?;
    let pools = (database.access.pool(Role::Portal, CONNECTIONS)?, database.access.pool(Role::Audit, CONNECTIONS)?);
    let Export { csv, user, patient, from, to, .. } = what;
    let format = if csv { Format::Csv } else { Format::Json };
    let filter = Filter { user, patient, from, to };
    let out = &mut BufWriter::new(io::stdout().lock());
    let settings = config.audit.settings(config);
    let exported = export(pools, keyring, Clock::system(), filter, format, Some(&settings), out).await?;
    eprintln!("exported {exported} events");
    Ok(())
}
