//! Fetching Debian packages with the host's own apt, into a folder of our own and without root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{At, Error};
use crate::run;

/// Debian 13 is the first release with TimescaleDB.
pub(crate) const SUITE: &str = "trixie";
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Needed only for compiling queries (off), for scripts around PostgreSQL, or for managing users.
const UNUSED: [&str; 9] =
    ["libllvm", "libz3-", "perl", "libperl", "libgdbm", "locales", "libc-l10n", "passwd", "procps"];

/// An apt whose installed system is empty, so that it resolves and fetches a whole closure.
pub(crate) struct Apt {
    folder: PathBuf,
}

impl Apt {
    pub(crate) fn make(folder: PathBuf) -> Result<Self, Error> {
        for part in ["lists/partial", "cache/archives/partial", "debs"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).at("making", &path)?;
        }
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).at("writing", &folder.join(name));
        write("status", "")?;
        write("apt.conf", &configuration(&folder))?;
        Ok(Self { folder })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("apt-get");
        // Read by `-c` after the host's own configuration: its proxies stay, its hooks and preferences do not.
        command.arg("-c").arg(self.folder.join("apt.conf")).args(arguments).current_dir(self.folder.join("debs"));
        command.env("LC_ALL", "C").env("DEBIAN_FRONTEND", "noninteractive");
        command
    }

    /// Loads the package lists of [`SUITE`] from the first of the host's mirrors that has it.
    pub(crate) fn update(&self, progress: &dyn Fn(&str)) -> Result<(), Error> {
        if !Path::new(KEYRING).exists() {
            return Err(Error::NoTool { tool: KEYRING });
        }
        let mirrors = mirrors(&self.folder)?;
        let mut failures = Vec::new();
        for mirror in &mirrors {
            progress("loading the package lists of Debian 13");
            let list = self.folder.join("sources.list");
            let source = format!("deb [arch=amd64 signed-by={KEYRING}] {mirror} {SUITE} main\n");
            fs::write(&list, source).at("writing", &list)?;
            let (done, said) = run::watch(&mut self.command(&["update"]), &self.folder, &mut |_| ())?;
            if done {
                return Ok(());
            }
            failures.push(said);
        }
        let Some(first) = failures.first() else {
            return Err(Error::NoMirror { suite: SUITE, detail: "none is configured".to_owned() });
        };
        let absent = |said: &String| said.contains("404") || said.contains("does not have a Release file");
        let detail = complaints(first);
        if failures.iter().all(absent) {
            return Err(Error::NoMirror { suite: SUITE, detail });
        }
        Err(fetching(detail))
    }

    /// Fetches `packages` with all they depend on, and returns the files.
    pub(crate) fn fetch(&self, packages: &[&str], progress: &dyn Fn(&str)) -> Result<Vec<PathBuf>, Error> {
        let mut plan = self.command(&["install", "--yes", "--print-uris"]);
        let plan = run::output(plan.args(packages), "resolving the packages of PostgreSQL with TimescaleDB")?;
        let needed: Vec<&str> = plan.lines().filter_map(planned).filter(|name| is_used(name)).collect();
        let mut fetched = 0;
        let mut download = self.command(&["download"]);
        let (done, said) = run::watch(download.args(&needed), &self.folder, &mut |line| {
            if line.starts_with("Get:") {
                fetched += 1;
                // A retry counts again.
                if fetched % 10 == 0 && fetched <= needed.len() {
                    progress(&format!("fetched {fetched} of {} packages", needed.len()));
                }
            }
        })?;
        if !done {
            return Err(fetching(complaints(&said)));
        }
        let debs = self.folder.join("debs");
        let files = fs::read_dir(&debs).at("listing", &debs)?;
        files.map(|file| file.map(|file| file.path()).at("listing", &debs)).collect()
    }
}

fn configuration(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        r#"#clear APT::Update;
#clear DPkg::Post-Invoke;
APT::Architecture "amd64";
APT::Install-Recommends "false";
APT::Sandbox::User "root";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Debug::NoLocking "true";
Dir::State "{folder}";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"#
    )
}

/// The archives in the host's apt sources, the likeliest Debian mirror first. `folder` is a place for apt's lists, of
/// which it finds none.
///
/// # Errors
/// Where there is no apt, or it cannot read its sources.
pub fn mirrors(folder: &Path) -> Result<Vec<String>, Error> {
    // What an update would fetch is known without any package list; `indextargets` would need them present.
    let mut list = Command::new("apt-get");
    list.env("LC_ALL", "C").args(["update", "--print-uris", "-o", "Debug::NoLocking=true"]);
    list.arg("-o").arg(format!("Dir::State::lists={}/lists", folder.display()));
    let listed = run::output(&mut list, "reading this host's apt sources")?;
    Ok(ranked(&listed))
}

fn ranked(listed: &str) -> Vec<String> {
    let mut ranked: Vec<(u8, &str)> = Vec::new();
    for line in listed.lines() {
        let uri = line.strip_prefix('\'').and_then(|line| line.split_once('\'')).map_or("", |(uri, _)| uri);
        let Some((mirror, _)) = uri.strip_suffix("/InRelease").and_then(|release| release.rsplit_once("/dists/"))
        else {
            continue;
        };
        let rank = match mirror {
            _ if mirror.ends_with("/debian") => 0,
            _ if mirror.contains("debian") && !mirror.contains("security") => 1,
            _ => 2,
        };
        if !mirror.starts_with("cdrom:") && !ranked.iter().any(|(_, known)| *known == mirror) {
            ranked.push((rank, mirror));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, mirror)| mirror.to_owned()).collect()
}

/// The package of a line of `--print-uris`: `'URI' name_version_arch.deb size hash`.
fn planned(line: &str) -> Option<&str> {
    let file = line.strip_prefix('\'')?.split_whitespace().nth(1)?;
    file.split_once('_').map(|(name, _)| name)
}

fn is_used(package: &str) -> bool {
    !package.ends_with("-perl") && !UNUSED.iter().any(|unused| package.starts_with(unused))
}

/// apt's errors without its progress.
fn complaints(said: &str) -> String {
    let lines: Vec<&str> = said.lines().filter(|line| line.starts_with("E:") || line.starts_with("Err:")).collect();
    run::last_lines(&lines.join("\n"), "apt-get said nothing")
}

fn fetching(detail: String) -> Error {
    match Error::program("fetching Debian packages", detail) {
        Error::Program { detail, .. } => Error::Network { detail },
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_debian_mirror_is_tried_before_other_archives() {
        let listed = "'https://tools.example/apt/dists/bookworm/InRelease' tools_InRelease 0 \n\
                      'http://mirror.example/debian-security/dists/bookworm-security/InRelease' security_InRelease 0 \n\
                      'http://mirror.example/debian/dists/bookworm/InRelease' debian_InRelease 0 \n\
                      'http://mirror.example/debian/dists/bookworm-updates/InRelease' updates_InRelease 0 \n\
                      'http://mirror.example/debian/dists/bookworm/main/binary-amd64/Packages.xz' Packages 0 \n";
        let mirrors =
            ["http://mirror.example/debian", "https://tools.example/apt", "http://mirror.example/debian-security"];
        assert_eq!(ranked(listed), mirrors);
    }

    #[test]
    fn what_serves_only_scripts_and_query_compilation_is_not_fetched() {
        let plan = "Reading package lists...\n\
                    'http://mirror.example/pool/l.deb' libllvm19_1%3a19.1.7-3_amd64.deb 26000000 SHA256:00\n\
                    'http://mirror.example/pool/p.deb' libjson-perl_4.10000-1_all.deb 87000 SHA256:00\n\
                    'http://mirror.example/pool/s.deb' libssl3t64_3.5.9-1_amd64.deb 2400000 SHA256:00\n";
        let used: Vec<&str> = plan.lines().filter_map(planned).filter(|name| is_used(name)).collect();
        assert_eq!(used, ["libssl3t64"]);
    }
}
