use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use anyhow::{Context, bail};
use aws_lc_rs::rand;
use store::administer::make_roles;
use store::{Access, Role};

use super::block_on;
use crate::config::Config;
use crate::database::Database;
use crate::fit;

pub(crate) fn migrate(config: &Config, with_roles: bool) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let applied = block_on(async {
        if with_roles {
            administer(config, &database.access).await.context("make the roles")?;
        }
        fit::schema(&database.access).await
    });
    database.close(config)?;
    let applied = applied?;
    match applied.is_empty() {
        true => println!("the schema is current"),
        false => println!("applied {}", applied.join(", ")),
    }
    Ok(())
}

/// The private database is made with its roles.
async fn administer(config: &Config, access: &Access) -> anyhow::Result<()> {
    let Some(admin) = &config.database.admin_url else {
        if config.database.url.is_none() {
            return Ok(());
        }
        bail!("a superuser makes them: set VIGIL_DATABASE_ADMIN_URL");
    };
    let mut passwords = Vec::new();
    if let Some(folder) = &config.database.passwords {
        for role in Role::RUNNING {
            passwords.push((role, password(&folder.join(role.name()))?));
        }
    }
    if let Some(password) = access.owner_password() {
        passwords.push((Role::Owner, password));
    }
    Ok(make_roles(admin, access, &passwords).await?)
}

/// What lies there, or a new one of 256 bits.
fn password(path: &Path) -> anyhow::Result<String> {
    if let Ok(text) = fs::read_to_string(path) {
        return Ok(text.trim().to_owned());
    }
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).context("draw a password")?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(folder) = path.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).context("make the folder of passwords")?;
    }
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()));
    written.with_context(|| format!("write {}", path.display()))?;
    Ok(text)
}
