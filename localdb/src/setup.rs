//! Making a cluster once, and its roles, database and extension.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::Purpose;
use crate::account::Account;
use crate::error::{At, Error};
use crate::folders::{Folders, make_private};
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
    Secret::make(&folders.owner_secret())?;
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

/// The role, the database and the extension; repeatable, and it follows an upgraded TimescaleDB.
pub(crate) fn prepare(
    programs: &Programs,
    account: &Account,
    folders: &Folders,
    purpose: Purpose,
) -> Result<(), Error> {
    let superuser = Secret::read(&folders.superuser_secret())?;
    let owner = Secret::read(&folders.owner_secret())?;
    let superuser_right = match purpose {
        Purpose::Serve => "NOSUPERUSER",
        Purpose::Test => "SUPERUSER",
    };
    // The passwords are hexadecimal: nothing to quote. An extension's update must be the first word of a session.
    let script = format!(
        r"SET client_min_messages = warning;
SELECT 'CREATE ROLE vigil LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'vigil') \gexec
ALTER ROLE vigil LOGIN {superuser_right} PASSWORD '{}';
SELECT 'CREATE DATABASE vigil OWNER vigil' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'vigil') \gexec
\connect vigil
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS timescaledb;
\connect vigil
ALTER EXTENSION timescaledb UPDATE;
",
        owner.text()
    );
    let mut psql = programs.command(account, "psql");
    psql.args(["--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--username=postgres", "--dbname=postgres"]);
    psql.arg("--host").arg(&folders.socket).args(["--port=5432", "--file=-"]).env("PGPASSWORD", superuser.text());
    run::feed(&mut psql, &script, "making the role and database vigil")
}
