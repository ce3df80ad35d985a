//! Which PostgreSQL to run: one on the host that has TimescaleDB, or an assembled one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::assemble;
use crate::error::Error;
use crate::{Options, Purpose};

const OLDEST_MAJOR: u32 = 15;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Programs {
    pub(crate) bin: PathBuf,
    pub(crate) major: u32,
}

impl Programs {
    /// `data` of a cluster made earlier decides the major version: PostgreSQL opens no other's files.
    pub(crate) fn find(
        options: &Options,
        data: &Path,
        account: &Account,
        progress: &dyn Fn(&str),
    ) -> Result<Self, Error> {
        let made_by = fs::read_to_string(data.join("PG_VERSION")).ok().map(|text| text.trim().to_owned());
        let fits = |major: u32| made_by.as_ref().is_none_or(|made_by| *made_by == major.to_string());
        if let Some(programs) = on_host(Path::new("/usr")).into_iter().find(|programs| fits(programs.major)) {
            return Ok(programs);
        }
        if let Some(major) = made_by.as_ref().filter(|_| !fits(assemble::MAJOR)) {
            return Err(Error::Major { path: data.to_owned(), major: major.clone() });
        }
        let cache_dir = options.cache_dir.clone().map_or_else(|| default_cache(account), Ok)?;
        assemble::assembled(&cache_dir, account, progress)
    }

    pub(crate) fn command(&self, account: &Account, name: &str) -> Command {
        account.command(&self.bin.join(name))
    }

    /// Unicode case rules without the host's locales. PostgreSQL 17 has them built in.
    pub(crate) fn initdb(&self, account: &Account, purpose: Purpose) -> Command {
        let mut initdb = self.command(account, "initdb");
        initdb.args(["--username=postgres", "--encoding=UTF8", "--auth=scram-sha-256"]);
        if self.major >= 17 {
            initdb.args(["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]);
        } else {
            initdb.arg("--locale=C.UTF-8");
        }
        if purpose == Purpose::Test {
            initdb.arg("--no-sync");
        }
        initdb
    }
}

/// Those under `usr` (Debian's and PGDG's places) that have TimescaleDB, newest first.
fn on_host(usr: &Path) -> Vec<Programs> {
    let mut found = Vec::new();
    let entries = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    for place in entries(&usr.join("lib/postgresql")).chain(entries(usr)) {
        let name = place.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let Ok(major) = name.trim_start_matches("pgsql-").parse::<u32>() else { continue };
        let shares = [usr.join(format!("share/postgresql/{name}")), place.join("share")];
        let has_extension = shares.iter().any(|share| share.join("extension/timescaledb.control").exists());
        let has_library = place.join("lib/timescaledb.so").exists();
        if major >= OLDEST_MAJOR && has_extension && has_library && place.join("bin/postgres").exists() {
            found.push(Programs { bin: place.join("bin"), major });
        }
    }
    found.sort_by_key(|programs| std::cmp::Reverse(programs.major));
    found
}

fn default_cache(account: &Account) -> Result<PathBuf, Error> {
    if account.is_system_user() {
        return Ok(PathBuf::from("/var/cache/vigil"));
    }
    let folder = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = folder("XDG_CACHE_HOME").or_else(|| folder("HOME").map(|home| home.join(".cache")));
    cache.map(|cache| cache.join("vigil")).ok_or(Error::NoCache)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(usr: &Path, bin: &str, share: &str, timescaledb: bool) {
        let place = usr.join(bin);
        fs::create_dir_all(place.join("bin")).unwrap();
        fs::create_dir_all(place.join("lib")).unwrap();
        fs::create_dir_all(usr.join(share).join("extension")).unwrap();
        fs::write(place.join("bin/postgres"), "").unwrap();
        if timescaledb {
            fs::write(place.join("lib/timescaledb.so"), "").unwrap();
            fs::write(usr.join(share).join("extension/timescaledb.control"), "").unwrap();
        }
    }

    #[test]
    fn the_newest_postgresql_that_has_timescaledb_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let usr = folder.path();
        install(usr, "lib/postgresql/14", "share/postgresql/14", true);
        install(usr, "lib/postgresql/16", "share/postgresql/16", true);
        install(usr, "pgsql-17", "pgsql-17/share", true);
        install(usr, "lib/postgresql/18", "share/postgresql/18", false);
        let majors: Vec<u32> = on_host(usr).iter().map(|programs| programs.major).collect();
        assert_eq!(majors, [17, 16]);
        assert_eq!(on_host(usr)[0].bin, usr.join("pgsql-17/bin"));
    }

    #[test]
    fn a_host_without_postgresql_has_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(on_host(folder.path()).is_empty());
    }
}
