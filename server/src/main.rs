//! The binary `vigil`: arguments, configuration, wiring, TLS, stopping. The only crate that knows everybody.

mod args;
mod awake;
mod command;
mod config;
mod database;
mod doors;
mod fit;
mod node;
mod parts;
mod root_key;
mod run;
mod scrape;
mod selfcare;
mod telemetry;
mod tls;
mod watchdog;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use config::Config;

/// `EX_USAGE`: the configuration is wrong, nothing was started.
const WRONG: u8 = 64;

fn main() -> ExitCode {
    selfcare::abort_with_the_router();
    rustls::crypto::aws_lc_rs::default_provider().install_default().expect("no provider was installed before main");
    let arguments = Arguments::parse();
    if let Err(error) = telemetry::log_to_stderr(&config::log_filter()) {
        return wrong(anyhow::Error::new(error).context("VIGIL_LOG"));
    }
    let config = match Config::read(arguments.config.as_deref()) {
        Ok(config) => config,
        Err(error) => return wrong(error),
    };
    let command = arguments.command.unwrap_or(Command::All);
    if let (Command::All, Err(error)) = (&command, selfcare::provide_descriptors(&config)) {
        return wrong(error);
    }
    let outcome = match command {
        Command::All => run::all(&config),
        Command::Localdb(localdb) => command::localdb(&config, localdb),
        Command::Device(device) => command::device(&config, device),
        Command::Keys(keys) => command::keys(&config, keys),
        Command::Audit(audit) => command::audit(&config, audit),
        Command::User(user) => command::user(&config, user),
        Command::Demo(demo) => command::demo(&config, demo),
        Command::Migrate { make_roles } => command::migrate(&config, make_roles),
        Command::Check { counts } => command::check(&config, counts),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_wrong(&error) => wrong(error),
        Err(error) => {
            eprintln!("vigil: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Found out by looking at files and the database, and no better the next time.
fn is_wrong(error: &anyhow::Error) -> bool {
    error.is::<fit::TooMuch>()
        || error.is::<fit::Live>()
        || error.is::<root_key::Wrong>()
        || error.is::<tls::Unfit>()
        || error.is::<scrape::Wrong>()
}

fn wrong(error: impl Into<anyhow::Error>) -> ExitCode {
    eprintln!("vigil: {:#}", error.into());
    ExitCode::from(WRONG)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_shipped_unit_starts_what_exists_and_knows_our_exit_codes_and_how_long_we_may_take() {
        let unit = include_str!("../../config/vigil.service");
        let settings = unit.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
        let settings: BTreeMap<_, _> = settings.collect();
        let seconds = |key: &str| settings[key].parse::<u64>().unwrap();
        let started = Arguments::try_parse_from(settings["ExecStart"].split_whitespace()).unwrap();
        assert!(matches!(started.command, Some(Command::All)) && started.config.is_some());
        assert_eq!(settings["Restart"], "always", "whatever ends it, a router that panicked among it");
        assert_eq!(settings["RestartPreventExitStatus"], WRONG.to_string());
        assert_eq!(seconds("StartLimitIntervalSec"), 0, "it is never given up");
        assert_eq!(
            (settings["KillSignal"], settings["KillMode"]),
            ("SIGTERM", "process"),
            "we stop the database ourselves"
        );
        // Each part has its own, one after the other.
        assert!(seconds("TimeoutStopSec") >= 8 * run::PATIENCE.as_secs());
        assert!(seconds("LimitNOFILE") >= 20_000, "what selfcare/descriptors.rs fits into");
    }
}
