//! Making a cluster once, and its roles, database and extension.

use std::fs::{self, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::Purpose;
use crate::account::Account;
use crate::error::{At, Error};
use crate::folders::{Folders, make_folder, make_private};
use crate::programs::Programs;
use crate::run;
use crate::secret::Secret;
use crate::settings::{pg_hba_conf, postgresql_conf};

/// `initdb` into a folder beside, renamed when complete: a crash halfway leaves nothing that looks like a cluster.
pub(crate) fn initialise(
    programs: &Programs,
    account: &Account,
    folders: &Folders,
    purpose: Purpose,
) -> Result<(), Error> {
    let superuser = Secret::make(&folders.superuser_secret())?;
    let fresh = folders.home.join("data.new");
    if fresh.exists() {
        fs::remove_dir_all(&fresh).at("removing", &fresh)?;
    }
    make_private(&fresh, account)?;
    let copy = folders.log().join("initdb.password");
    superuser.copy_to(&copy)?;
    account.own(&copy)?;
    let mut initdb = programs.initdb(account, purpose);
    let made = run::output(initdb.arg("--pwfile").arg(&copy).arg("-D").arg(&fresh), "making a PostgreSQL cluster");
    fs::remove_file(&copy).at("removing", &copy)?;
    made?;
    fs::rename(&fresh, folders.data()).at("renaming", &fresh)
}

/// Written at each start, so that settings follow the release and the machine. The files stay the caller's.
pub(crate) fn configure(account: &Account, folders: &Folders, purpose: Purpose) -> Result<(), Error> {
    let hba = folders.home.join("pg_hba.conf");
    readable(&hba, pg_hba_conf(purpose), account)?;
    readable(&folders.configuration(), &postgresql_conf(purpose, &folders.socket, &hba), account)
}

fn readable(path: &Path, text: &str, account: &Account) -> Result<(), Error> {
    fs::write(path, text).at("writing", path)?;
    fs::set_permissions(path, Permissions::from_mode(0o640)).at("setting the mode of", path)?;
    account.share(path)
}

/// The parts that connect. What they are and may is in `migrations/`.
const ROLES: [&str; 6] = [OWNER, "vigil_ingest", "vigil_alerting", "vigil_portal", "vigil_audit", "vigil_keys"];
pub(crate) const OWNER: &str = "vigil_owner";

const MAKE_ROLES: &str = include_str!("../../migrations/roles.sql");

/// Made anew when this is not what it was made with.
pub(crate) fn version() -> String {
    format!("roles, databases and passwords by\n{MAKE_ROLES}")
}

/// The roles, the databases and the extension; repeatable, and it follows an upgraded TimescaleDB.
pub(crate) fn prepare(programs: &Programs, account: &Account, folders: &Folders) -> Result<(), Error> {
    let superuser = Secret::read(&folders.superuser_secret())?;
    let mut passwords = String::new();
    for (role, secret) in secrets(folders)? {
        // Hexadecimal: nothing to quote.
        passwords.push_str(&format!("ALTER ROLE {role} PASSWORD '{}';\n", secret.text()));
    }
    // An extension's update must be the first word of a session.
    let script = format!(
        r"SET client_min_messages = warning;
{MAKE_ROLES}
{passwords}
SELECT format('CREATE DATABASE %I OWNER {OWNER}', name) FROM (VALUES ('vigil'), ('vigil_keys')) databases (name)
    WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = name) \gexec
REVOKE CONNECT ON DATABASE vigil_keys FROM PUBLIC;
GRANT CONNECT ON DATABASE vigil_keys TO vigil_keys;
\connect vigil
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS timescaledb;
\connect vigil
ALTER EXTENSION timescaledb UPDATE;
"
    );
    let mut psql = programs.command(account, "psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname=postgres"]);
    psql.arg("--host").arg(&folders.socket).args(["--port=5432", "--file=-"]).env("PGPASSWORD", superuser.text());
    run::feed(&mut psql, &script, "making the roles and databases")?;
    match fs::remove_file(folders.former_secret()) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).at("removing", &folders.former_secret()),
        _ => Ok(()),
    }
}

/// The owner's is that of the role from before roles were parted, if there was one: whoever knows it still comes in. The
/// former file stays until the roles are parted: an older program that still runs on this database reads it at its start.
fn secrets(folders: &Folders) -> Result<Vec<(&'static str, Secret)>, Error> {
    make_folder(&folders.passwords(), 0o700)?;
    let (former, owner) = (folders.former_secret(), folders.passwords().join(OWNER));
    if former.exists() && !owner.exists() {
        fs::copy(&former, &owner).at("copying", &former)?;
    }
    ROLES.into_iter().map(|role| Ok((role, Secret::existing_or_new(&folders.passwords().join(role))?))).collect()
}
