use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::{Context, bail};
use keys::rotate::Databases;
use keys::{Keyring, Place, RootKey, Zeroizing, recovery, rotate};

use super::{block_on, shred};
use crate::args::{Keys, Rotate};
use crate::config::Config;
use crate::database::Database;
use crate::{fit, root_key};

/// Longer lines are no passphrase and no password.
pub(super) const MAX_LINE: usize = 1_024;

pub(crate) fn keys(config: &Config, command: Keys) -> anyhow::Result<()> {
    if let Keys::Init { file } = &command {
        return init(config, file);
    }
    if let Keys::Shred(what) = &command {
        return shred::command(config, what);
    }
    if !matches!(command, Keys::Import { .. }) {
        root_key::look(config)?;
    }
    let database = Database::open(config)?;
    let outcome = block_on(async {
        fit::schema(&database.access).await?;
        match command {
            Keys::Init { .. } | Keys::Shred(_) => Ok(()),
            Keys::Check => check(&root_key::find(config, &database).await?, &database).await,
            Keys::Rotate(what) => replace(config, &database, what).await,
            Keys::Export { file } => export(&root_key::find(config, &database).await?, &file),
            Keys::Import { file } => import(config, &database, &file).await,
        }
    });
    database.close(config)?;
    outcome
}

/// Where it lies is asked of whoever reads it: it may be moved before.
fn init(config: &Config, file: &Path) -> anyhow::Result<()> {
    let place = root_key::named(config, file.to_owned(), None).map_err(root_key::unfit)?;
    block_on(async { Box::pin(place.make()).await.map_err(root_key::unfit) })?;
    println!("made {}", file.display());
    Ok(())
}

async fn check(root: &RootKey, database: &Database) -> anyhow::Result<()> {
    let (main, store) = root_key::pools(&database.access)?;
    let checked = Keyring::check(root, &main, &store).await.map_err(root_key::told)?;
    println!("the root key opens patients={} destroyed={}", checked.patients, checked.destroyed);
    Ok(())
}

async fn replace(config: &Config, database: &Database, what: Rotate) -> anyhow::Result<()> {
    let (main, store) = root_key::pools(&database.access)?;
    let databases = Databases::new(main, store);
    if what.vault {
        return wrap_again(config, database, &databases).await;
    }
    let ours = root_key::find(config, database).await?;
    if let Some(path) = what.root {
        let next = root_key::named(config, path.clone(), Some(database)).map_err(root_key::unfit)?;
        let next = Box::pin(next.read()).await.map_err(root_key::unfit)?;
        let place = ours.place().map(|place| place.path().to_owned()).context("the root key is in no file")?;
        rotate::root(&ours, &next, &databases, || next.replace(&place), what.keep_old).await.map_err(root_key::told)?;
        println!("{} holds the new root key; {} is not needed any more", place.display(), path.display());
        if what.keep_old {
            println!("the old one opens as well, until the same is asked for without --keep-old");
        }
    } else if what.wrapping {
        let (version, keys) = rotate::wrapping(&ours, &databases).await.map_err(root_key::told)?;
        println!("wrapping key {version} wraps {keys} keys");
    } else {
        let main = databases.main.clone();
        let again = async |keyring: &Keyring| portal::retoken(keyring, &main).await.map(drop);
        let version = rotate::index(&ours, &databases, again).await.map_err(root_key::told)?;
        println!("index key {version} makes every token");
    }
    Ok(())
}

async fn wrap_again(config: &Config, database: &Database, databases: &Databases) -> anyhow::Result<()> {
    let path = config.keys.file.clone().context("the root key is in no file")?;
    let place = root_key::named(config, path, Some(database)).map_err(root_key::unfit)?;
    let Place::Wrapped(file) = place else { bail!("no vault wraps the root key: [keys.vault] names none") };
    let version = Box::pin(rotate::vault(&file, databases)).await.map_err(root_key::told)?;
    println!("version {version} of the vault's key wraps the root key in {}", file.path.display());
    Ok(())
}

fn export(root: &RootKey, file: &Path) -> anyhow::Result<()> {
    let text = recovery::export(root, &passphrase()?)?;
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(file);
    let written = made.and_then(|mut made| made.write_all(text.as_bytes()).and_then(|()| made.sync_all()));
    written.with_context(|| format!("write {}", file.display()))?;
    println!("wrote {}; whoever has it and the passphrase has the root key", file.display());
    Ok(())
}

async fn import(config: &Config, database: &Database, file: &Path) -> anyhow::Result<()> {
    let Some(place) = &config.keys.file else { bail!("[keys] file or VIGIL_KEYS_FILE says where to put it") };
    let text = Zeroizing::new(fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?);
    let root = recovery::import(&text, &passphrase()?)?;
    check(&root, database).await?;
    let place = root_key::named(config, place.clone(), Some(database)).map_err(root_key::unfit)?;
    Box::pin(place.write(&root)).await.map_err(root_key::unfit)?;
    println!("wrote {}", place.path().display());
    Ok(())
}

fn passphrase() -> anyhow::Result<Zeroizing<String>> {
    let mut line = Zeroizing::new(String::with_capacity(MAX_LINE));
    let read = std::io::Read::take(std::io::stdin().lock(), MAX_LINE as u64);
    std::io::BufRead::read_line(&mut std::io::BufReader::with_capacity(MAX_LINE, read), &mut line)
        .context("read the passphrase from standard input")?;
    Ok(Zeroizing::new(line.trim_end_matches(['\r', '\n']).to_owned()))
}
