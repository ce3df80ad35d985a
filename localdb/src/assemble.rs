//! A PostgreSQL with TimescaleDB put together from Debian 13's packages in a folder of its own, without root.
//!
//! Debian 13's programs need a newer C library than an older host has. So the packages bring their own, and each
//! program is told (patchelf) to use the loader and the libraries of its folder.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::account::Account;
use crate::error::{At, Error};
use crate::folders::make_folder;
use crate::packages::Apt;
use crate::programs::Programs;
use crate::run;

pub(crate) const MAJOR: u32 = 17;
/// Counts changes of what is put together and how; an older folder is left alone, its clusters may be running.
const FOLDER: &str = "postgresql-17-timescaledb-v1";
const LIBRARIES: &str = "usr/lib/x86_64-linux-gnu";
const LOADER: &str = "ld-linux-x86-64.so.2";

pub(crate) fn assembled(cache_dir: &Path, account: &Account, progress: &dyn Fn(&str)) -> Result<Programs, Error> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Error::Platform);
    }
    if !cache_dir.exists() {
        make_folder(cache_dir, 0o755)?;
    }
    let cache_dir = cache_dir.canonicalize().at("resolving", cache_dir)?;
    if !account.can_enter(&cache_dir) {
        return Err(Error::Unreachable { path: cache_dir, user: account.name() });
    }
    let prefix = cache_dir.join(FOLDER);
    let programs = Programs { bin: prefix.join(format!("usr/lib/postgresql/{MAJOR}/bin")), major: MAJOR };
    let complete = prefix.join("complete");
    if complete.exists() {
        return Ok(programs);
    }
    let _lock = lock(&cache_dir.join(format!("{FOLDER}.lock")), progress)?;
    if complete.exists() {
        return Ok(programs);
    }
    let building = cache_dir.join(format!("{FOLDER}.building"));
    for leftover in [&building, &prefix] {
        if leftover.exists() {
            fs::remove_dir_all(leftover).at("removing", leftover)?;
        }
    }
    let built = build(&building, &prefix, progress);
    if building.exists() {
        fs::remove_dir_all(&building).at("removing", &building)?;
    }
    built?;
    let mut version = programs.command(account, "postgres");
    let version = run::output(version.arg("--version"), "trying the assembled PostgreSQL")?;
    run::output(Command::new("sync").arg("-f").arg(&prefix), "writing the assembled PostgreSQL to disk")?;
    fs::write(&complete, &version).at("writing", &complete)?;
    progress(&format!("assembled {}", version.trim()));
    Ok(programs)
}

/// Waits for another process that holds the lock; it is released when the file is dropped.
pub(crate) fn lock(path: &Path, progress: &dyn Fn(&str)) -> Result<File, Error> {
    let file = File::options().create(true).append(true).open(path).at("opening", path)?;
    if file.try_lock().is_err() {
        progress(&format!("waiting for another process that holds {}", path.display()));
        file.lock().at("locking", path)?;
    }
    Ok(file)
}

fn build(building: &Path, prefix: &Path, progress: &dyn Fn(&str)) -> Result<(), Error> {
    for tool in ["apt-get", "dpkg-deb"] {
        run::output(Command::new(tool).arg("--version"), tool).map_err(|_| Error::NoTool { tool })?;
    }
    progress("assembling PostgreSQL 17 with TimescaleDB from Debian's packages (once; about 60 MB to fetch)");
    make_folder(building, 0o755)?;
    let apt = Apt::make(building.join("apt"))?;
    apt.update(progress)?;
    let packages = apt.fetch(&["postgresql-17-timescaledb", "tzdata", "patchelf"], progress)?;
    let root = building.join("root");
    make_folder(&root, 0o755)?;
    progress(&format!("unpacking {} packages", packages.len()));
    for package in &packages {
        run::output(Command::new("dpkg-deb").arg("-x").arg(package).arg(&root), "unpacking a package")?;
    }
    patch(&root, prefix)?;
    fs::rename(&root, prefix).at("renaming", &root)
}

/// Points the programs under `root` at the loader and libraries that they will find under `prefix`.
fn patch(root: &Path, prefix: &Path) -> Result<(), Error> {
    let libraries = root.join(LIBRARIES);
    let bin = root.join(format!("usr/lib/postgresql/{MAJOR}/bin"));
    let programs: Vec<PathBuf> = fs::read_dir(&bin)
        .and_then(|entries| entries.map(|entry| entry.map(|entry| entry.path())).collect())
        .at("listing", &bin)?;
    for program in programs.iter().filter(|program| is_elf(program)) {
        // patchelf comes from the same packages, so it too needs their loader.
        let mut patchelf = Command::new(libraries.join(LOADER));
        patchelf.arg("--library-path").arg(&libraries).arg(root.join("usr/bin/patchelf"));
        patchelf.arg("--set-interpreter").arg(prefix.join(LIBRARIES).join(LOADER));
        // RPATH rather than RUNPATH: it also serves the libraries that a library needs.
        patchelf.arg("--force-rpath").arg("--set-rpath").arg(prefix.join(LIBRARIES)).arg(program);
        run::output(&mut patchelf, "patching a program of PostgreSQL")?;
    }
    Ok(())
}

fn is_elf(path: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(path).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
}
