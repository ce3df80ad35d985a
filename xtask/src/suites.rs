//! Sources of test suites that others wrote: fetched, checked by their digest, unpacked, and never part of this repository.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};

use crate::folders;
use crate::program::{command, run};

struct Suite {
    /// What its archive unpacks to.
    folder: &'static str,
    archive: &'static str,
    sha256: &'static str,
}

/// mosquitto's, as Debian keeps its source.
const MOSQUITTO: Suite = Suite {
    folder: "mosquitto-2.0.21",
    archive: "mosquitto_2.0.21.orig.tar.gz",
    sha256: "551daff96cd0675faf888f8881536177934424ecc45924fecf94cffe207f6e81",
};
/// paho's, as PyPI keeps its source; the version that the venv has.
const PAHO: Suite = Suite {
    folder: "paho_mqtt-2.1.0",
    archive: "paho_mqtt-2.1.0.tar.gz",
    sha256: "12d6e7511d4137555a3f6ea167ae846af2c7357b10bc6fa4f7c3968fc1723834",
};
pub(crate) const PAHO_REQUIREMENT: &str = "paho-mqtt==2.1.0";
const POOL: &str = "pool/main/m/mosquitto";
/// A part of apt, not of its path.
const APT_HELPER: &str = "/usr/lib/apt/apt-helper";

/// The folder that holds them, fetched once. `python` has pip.
pub(crate) fn fetch(python: &Path) -> anyhow::Result<PathBuf> {
    let suites = folders::target().join("suites");
    fs::create_dir_all(&suites).context("make the folder of the suites")?;
    MOSQUITTO.ensure(&suites, fetch_from_debian).context("fetch mosquitto's tests")?;
    PAHO.ensure(&suites, |suite, into| fetch_from_pypi(suite, into, python)).context("fetch paho's tests")?;
    Ok(suites)
}

impl Suite {
    fn ensure(&self, suites: &Path, fetch: impl FnOnce(&Self, &Path) -> anyhow::Result<()>) -> anyhow::Result<()> {
        let (unpacked, fetching) = (suites.join(self.folder), suites.join("fetching"));
        if unpacked.exists() {
            return Ok(());
        }
        println!("fetching {}", self.folder);
        if fetching.exists() {
            fs::remove_dir_all(&fetching).context("remove what was left of a fetch")?;
        }
        fs::create_dir_all(&fetching)?;
        fetch(self, &fetching)?;
        run(command("tar").arg("-xzf").arg(fetching.join(self.archive)).arg("-C").arg(&fetching))?;
        fs::rename(fetching.join(self.folder), &unpacked).context("put the suite in its place")?;
        fs::remove_dir_all(&fetching).context("remove the archive")
    }
}

/// By apt's own downloader, from the mirrors of this host: it checks the digest.
fn fetch_from_debian(suite: &Suite, into: &Path) -> anyhow::Result<()> {
    let mirrors = localdb::mirrors(into).context("find a mirror of Debian")?;
    for mirror in &mirrors {
        let mut helper = command(APT_HELPER);
        helper.args(["-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=3", "download-file"]);
        helper.arg(format!("{mirror}/{POOL}/{}", suite.archive)).arg(into.join(suite.archive));
        if run(helper.arg(format!("SHA256:{}", suite.sha256))).is_ok() {
            return Ok(());
        }
    }
    bail!("find {} with its digest on one of {} mirrors", suite.archive, mirrors.len())
}

fn fetch_from_pypi(suite: &Suite, into: &Path, python: &Path) -> anyhow::Result<()> {
    let requirements = into.join("requirements.txt");
    fs::write(&requirements, format!("{PAHO_REQUIREMENT} --hash=sha256:{}\n", suite.sha256))?;
    let mut pip = command(python);
    pip.args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", ":all:"]);
    run(pip.arg("--require-hashes").arg("--dest").arg(into).arg("-r").arg(&requirements))
}
