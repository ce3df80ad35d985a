//! Who may depend on whom, as data.

use anyhow::Context;
use serde::Deserialize;

use super::Finding;
use crate::program::{cargo, output};

/// Ours: what each crate may name in any kind of dependency. A test may always name `localdb`, and its own crate with
/// features that only tests need.
const OURS: [(&str, &[&str]); 13] = [
    ("vitals", &[]),
    ("localdb", &[]),
    ("store", &["vitals"]),
    ("keys", &["vitals", "store"]),
    ("ingest", &["vitals", "store", "keys"]),
    ("alerting", &["vitals", "store"]),
    ("archive", &["vitals", "store"]),
    ("interop", &["vitals"]),
    ("portal", &["vitals", "store", "keys", "interop"]),
    ("device-sim", &["vitals"]),
    ("server", &["vitals", "store", "keys", "localdb", "ingest", "alerting", "archive", "portal"]),
    ("benches", &["vitals", "store", "keys", "localdb", "ingest", "alerting", "archive", "interop", "portal"]),
    ("xtask", &["localdb"]),
];

/// Theirs: only the named crates may touch these; everyone else goes through them.
const THEIRS: [(&str, &[&str]); 13] = [
    ("rumqttd", &["ingest"]),
    ("rumqttc", &["device-sim"]),
    ("warp", &["portal"]),
    ("hyper", &["portal"]),
    ("arrow", &["archive"]),
    ("parquet", &["archive"]),
    ("tokio-postgres", &["store", "benches"]),
    ("postgres-types", &["store"]),
    ("deadpool-postgres", &["store"]),
    ("refinery", &["store"]),
    ("azure_core", &["keys"]),
    ("azure_identity", &["keys"]),
    ("azure_security_keyvault_keys", &["keys"]),
];

/// Crates that must stay out of what we ship: a second crypto provider, old TLS, the simulator's client.
const NOT_SHIPPED: [&str; 5] = ["ring v", "rumqttc v", "rustls-webpki v0.102", "openssl v", "native-tls v"];

/// Pure nouns and codecs: nothing that waits.
const NO_RUNTIME: [&str; 2] = ["vitals", "interop"];

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    dependencies: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    /// None: an ordinary one.
    kind: Option<String>,
}

pub(super) fn check() -> anyhow::Result<Vec<Finding>> {
    let metadata = output(cargo().args(["metadata", "--no-deps", "--format-version", "1", "--locked"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata).context("read cargo's metadata")?;
    let tree = output(cargo().args([
        "tree",
        "--locked",
        "-p",
        "server",
        "--all-features",
        "-e",
        "normal",
        "--prefix",
        "none",
    ]))?;
    let mut findings = between(&metadata.packages);
    findings.extend(shipped(&tree));
    Ok(findings)
}

fn between(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let manifest = format!("{}/Cargo.toml", package.name);
        let Some((_, allowed)) = OURS.iter().find(|(name, _)| *name == package.name) else {
            findings.push(Finding::file(&manifest, "not in the table of edges (xtask/src/tidy/edges.rs)"));
            continue;
        };
        for Dependency { name, kind } in &package.dependencies {
            let name = name.as_str();
            let ours = OURS.iter().any(|(ours, _)| *ours == name);
            let in_test = (name == "localdb" || name == package.name) && kind.as_deref() == Some("dev");
            if ours && !allowed.contains(&name) && !in_test {
                findings.push(Finding::file(&manifest, format!("`{}` may not depend on `{name}`", package.name)));
            }
            let keepers = THEIRS.iter().find(|(theirs, _)| *theirs == name).map(|(_, keepers)| *keepers);
            if let Some(keepers) = keepers.filter(|keepers| !keepers.contains(&package.name.as_str())) {
                findings.push(Finding::file(&manifest, format!("only {} may name `{name}`", keepers.join(", "))));
            }
            if name == "tokio" && NO_RUNTIME.contains(&package.name.as_str()) {
                findings.push(Finding::file(&manifest, format!("`{}` is pure: no runtime", package.name)));
            }
        }
    }
    findings
}

fn shipped(tree: &str) -> Vec<Finding> {
    let found = NOT_SHIPPED.iter().filter(|stranger| tree.lines().any(|line| line.starts_with(**stranger)));
    found
        .map(|stranger| {
            let name = stranger.trim_end_matches(" v");
            Finding::file(
                "server/Cargo.toml",
                format!("its tree holds {name}; `cargo tree -p server -i` says through whom"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, dependencies: &[(&str, Option<&str>)]) -> Package {
        let dependency = |(name, kind): &(&str, Option<&str>)| Dependency {
            name: (*name).to_owned(),
            kind: kind.map(str::to_owned),
        };
        Package { name: name.to_owned(), dependencies: dependencies.iter().map(dependency).collect() }
    }

    fn told(package: Package) -> Vec<String> {
        between(&[package]).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn siblings_never_see_each_other() {
        assert_eq!(
            told(package("portal", &[("store", None), ("alerting", Some("dev"))])),
            ["portal/Cargo.toml: `portal` may not depend on `alerting`"]
        );
    }

    #[test]
    fn the_simulator_never_links_the_server() {
        assert_eq!(told(package("device-sim", &[("vitals", None), ("store", None)])).len(), 1);
    }

    #[test]
    fn a_guarded_crate_is_named_by_its_keepers_alone() {
        assert!(told(package("store", &[("tokio-postgres", None)])).is_empty());
        assert_eq!(
            told(package("portal", &[("tokio-postgres", Some("dev"))])),
            ["portal/Cargo.toml: only store, benches may name `tokio-postgres`"]
        );
    }

    #[test]
    fn a_test_may_start_a_database() {
        assert!(told(package("store", &[("localdb", Some("dev")), ("store", Some("dev"))])).is_empty());
        assert_eq!(told(package("store", &[("localdb", None)])).len(), 1);
    }

    #[test]
    fn nouns_wait_for_nothing() {
        assert_eq!(told(package("vitals", &[("tokio", None)])).len(), 1);
    }

    #[test]
    fn a_new_crate_asks_for_its_place() {
        assert_eq!(told(package("notes", &[])).len(), 1);
    }

    #[test]
    fn what_ships_holds_one_crypto_provider_and_no_old_tls() {
        assert!(shipped("server v0.0.0\nrustls-webpki v0.103.4\nstring v1.0.0\naws-lc-rs v1.13.0\n").is_empty());
        assert_eq!(shipped("ring v0.17.8\nrustls-webpki v0.102.8\n").len(), 2);
    }
}
