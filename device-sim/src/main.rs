//! Wards full of believable devices that publish over real MQTT.
//!
//! **Absent on purpose**: any crate of the server. What this sends is what a device may send, and nothing else.

mod args;
mod device;
mod fleet;
mod link;
mod outbox;
mod physiology;
mod random;
mod report;
mod scenario;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    #[expect(clippy::disallowed_methods, reason = "a simulator has no configuration but its arguments and this")]
    let filter = std::env::var("RUST_LOG").unwrap_or_else(|_| "device_sim=info".to_owned());
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .init();
    fleet::run(args::Args::parse()).await
}
