//! The binary `vigil`: arguments, configuration, wiring, TLS, stopping. The only crate that knows everybody.

mod args;
mod awake;
mod command;
mod config;
mod database;
mod doors;
mod node;
mod parts;
mod run;
mod selfcare;
mod telemetry;
mod tls;
mod watchdog;

use std::panic;
use std::process::{self, ExitCode};
use std::thread;

use clap::Parser;

use args::{Arguments, Command};
use config::Config;

/// `EX_USAGE`: the configuration is wrong, nothing was started.
const WRONG: u8 = 64;

/// Threads of rumqttd's router: `router-0` and so on.
const ROUTER: &str = "router-";

fn main() -> ExitCode {
    abort_with_the_router();
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
        Command::Migrate => command::migrate(&config),
        Command::Check { counts } => command::check(&config, counts),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("vigil: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn wrong(error: impl Into<anyhow::Error>) -> ExitCode {
    eprintln!("vigil: {:#}", error.into());
    ExitCode::from(WRONG)
}

/// The router is one thread that nobody joins: when it panics, commands would reach no device and nobody would know.
/// Nothing unacknowledged is lost by an end; the supervisor starts anew.
fn abort_with_the_router() {
    let tell = panic::take_hook();
    panic::set_hook(Box::new(move |what| {
        tell(what);
        if thread::current().name().is_some_and(|name| name.starts_with(ROUTER)) {
            process::abort();
        }
    }));
}
