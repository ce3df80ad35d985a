//! Debian packages that a stage needs and the machine lacks.

use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, bail};

use crate::program::{command, found, output, run};

static LISTS_FETCHED: AtomicBool = AtomicBool::new(false);

/// Installs `packages` unless `program` is there.
pub(crate) fn ensure(program: &str, packages: &[&str]) -> anyhow::Result<()> {
    if found(program) {
        return Ok(());
    }
    install(packages).with_context(|| format!("install {program}: `apt-get install {}` would", packages.join(" ")))
}

pub(crate) fn install(packages: &[&str]) -> anyhow::Result<()> {
    println!("installing {}", packages.join(" "));
    if !LISTS_FETCHED.swap(true, Ordering::SeqCst) {
        apt(&["update"])?;
    }
    apt(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

fn apt(arguments: &[&str]) -> anyhow::Result<()> {
    if !found("apt-get") {
        bail!("use apt-get: this is no Debian");
    }
    let root = output(command("id").arg("-u"))?.trim() == "0";
    let mut apt = command(if root { "env" } else { "sudo" });
    if !root {
        apt.args(["--non-interactive", "env"]);
    }
    // Another apt at work (unattended upgrades) is waited for.
    apt.args(["DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "-o", "DPkg::Lock::Timeout=300"]);
    run(apt.args(arguments))
}
