//! `./vigil test`: the stages that CI runs, each with its name and its seconds.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, bail};
use clap::ValueEnum;
use localdb::Cluster;

use crate::program::{self, cargo, command, found};
use crate::{bench, folders, interrupt, suites, system, testdb, tidy, web};

/// Where the cluster of one run lives; a developer's own is beside it.
const CLUSTER: &str = "testdb-run";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only this stage, with what it needs; repeatable.
    #[arg(long, value_name = "STAGE")]
    only: Vec<Stage>,
}

/// In the order in which they run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Stage {
    Fmt,
    Clippy,
    Tidy,
    /// Before `test`: the portal carries the built UI.
    Web,
    /// The release binaries that proofs run.
    Build,
    Test,
    Browser,
}

impl Stage {
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Fmt => program::run(cargo().args(["fmt", "--all", "--check"])),
            Self::Clippy => program::run(cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--all-features",
                "--locked",
                "--",
                "-D",
                "warnings",
            ])),
            Self::Tidy => tidy::run(),
            Self::Web => {
                for script in ["lint", "types", "test"] {
                    web::script(script)?;
                }
                web::build()
            }
            Self::Build => bench::build(),
            Self::Test => {
                let python = clients()?;
                let suites = suites::fetch(&python)?;
                with_database(|cluster| {
                    program::run(
                        cargo()
                            .args(["test", "--workspace", "--all-features", "--locked"])
                            .env("VIGIL_TEST_DATABASE_URL", cluster.superuser_url())
                            .env("VIGIL_BIN", folders::release("vigil"))
                            .env("VIGIL_TEST_MOSQUITTO", "1")
                            .env("VIGIL_TEST_PYTHON", &python)
                            .env("VIGIL_TEST_SUITES", &suites)
                            .env_remove("VIGIL_DATABASE_URL")
                            .env_remove("VIGIL_DATABASE_OWNER_URL"),
                    )
                })
            }
            Self::Browser => {
                system::ensure("chromium", &["chromium"])?;
                with_database(|cluster| {
                    program::run(
                        web::script_command("e2e")?
                            .env("VIGIL_BIN", folders::release("vigil"))
                            .env("VIGIL_DATABASE_URL", cluster.place())
                            .env("VIGIL_DATABASE_OWNER_URL", cluster.owner_url()),
                    )
                })
            }
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let wanted = |stage: &Stage| arguments.only.is_empty() || arguments.only.contains(stage);
    let mut took = Vec::new();
    for stage in Stage::value_variants().iter().copied().filter(wanted) {
        interrupt::check()?;
        println!("── {}", stage.name());
        let begin = Instant::now();
        let outcome = stage.run();
        let seconds = begin.elapsed().as_secs_f64();
        took.push(format!("{} {seconds:.0} s", stage.name()));
        println!("── {} took {seconds:.1} s", stage.name());
        if let Err(error) = outcome {
            println!("── failed in {}: {}", stage.name(), took.join(", "));
            return Err(error.context(format!("pass stage {}", stage.name())));
        }
    }
    println!("── passed: {}", took.join(", "));
    Ok(())
}

/// A throw-away cluster, gone afterwards whatever happens.
fn with_database(work: impl FnOnce(&Cluster) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let options = testdb::options(CLUSTER);
    localdb::remove(&options).context("remove the last run's database")?;
    let outcome = localdb::start(&options, &|step| println!("{step}"))
        .context("start a database for tests")
        .and_then(|cluster| work(&cluster));
    let removed = localdb::remove(&options).context("remove the database");
    outcome.and(removed)
}

/// MQTT clients that others wrote. Answers a Python that has paho-mqtt.
fn clients() -> anyhow::Result<PathBuf> {
    system::ensure("mosquitto_pub", &["mosquitto-clients"])?;
    // A clock that a test may set.
    system::ensure("faketime", &["faketime"])?;
    let venv = folders::target().join("venv");
    let python = venv.join("bin/python");
    if has_paho(&python) {
        return Ok(python);
    }
    if venv.exists() {
        std::fs::remove_dir_all(&venv).context("remove a broken venv")?;
    }
    if !found("python3") || make_venv(&venv).is_err() {
        system::install(&["python3", "python3-venv"])?;
        make_venv(&venv)?;
    }
    program::run(command(&python).args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        suites::PAHO_REQUIREMENT,
    ]))?;
    if !has_paho(&python) {
        bail!("import paho-mqtt after installing it");
    }
    Ok(python)
}

fn make_venv(venv: &std::path::Path) -> anyhow::Result<()> {
    program::run(command("python3").args(["-m", "venv", "--clear"]).arg(venv))
}

fn has_paho(python: &std::path::Path) -> bool {
    python.exists() && program::output(command(python).args(["-c", "import paho.mqtt.client"])).is_ok()
}
