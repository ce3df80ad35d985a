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
        let mirrors = mirrors()?;
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
                if fetched % 10 == 0 {
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

/// The archives in the host's apt sources, the likeliest Debian mirror first. No package lists are needed for this.
fn mirrors() -> Result<Vec<String>, Error> {
    let mut list = Command::new("apt-get");
    list.env("LC_ALL", "C").args(["-o", "APT::Get::IndexTargets::OnlyPresent=false"]);
    list.args(["indextargets", "--format", "$(REPO_URI) $(LABEL)", "Identifier: Packages"]);
    let listed = run::output(&mut list, "reading this host's apt sources")?;
    let mut ranked: Vec<(u8, &str)> = Vec::new();
    for line in listed.lines() {
        let (uri, label) = line.split_once(' ').unwrap_or((line, ""));
        let rank = match label {
            "Debian" => 0,
            _ if uri.trim_end_matches('/').ends_with("/debian") => 1,
            _ => 2,
        };
        if !uri.starts_with("cdrom:") && !ranked.iter().any(|(_, known)| *known == uri) {
            ranked.push((rank, uri));
        }
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    Ok(ranked.into_iter().map(|(_, uri)| uri.to_owned()).collect())
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
