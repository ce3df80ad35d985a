//! What we claim, measured. Ratios within one run; results are committed with the machine they ran on.
#![expect(clippy::print_stdout, reason = "a bench prints")]

mod dataset;
mod ingest;

mod limit;
mod load;
mod machine;
mod mqtt;

mod report;

mod sender;
mod server;
mod site;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "benches")]
struct Arguments {
    #[command(subcommand)]
    bench: Bench,
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// The whole way of a reading against bare COPY of the same rows.
    Ingest(ingest::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().bench {
        Bench::Ingest(arguments) => ingest::run(&arguments),
    }
}
