//! What we claim, measured. Ratios within one run; results are committed with the machine they ran on.
#![expect(clippy::print_stdout, reason = "a bench prints")]

mod dataset;
mod ingest;
mod limit;
mod load;
mod machine;
mod server;

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
    /// The load generator, as a process of its own so that its CPU time can be told from the server's.
    #[command(hide = true)]
    Load(load::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().bench {
        Bench::Ingest(arguments) => ingest::run(&arguments),
        Bench::Load(arguments) => load::run(&arguments),
    }
}
