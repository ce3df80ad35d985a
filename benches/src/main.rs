//! What we claim, measured. Ratios within one run; results are committed with the machine they ran on.
#![expect(clippy::print_stdout, reason = "a bench prints")]

mod connections;
mod dataset;
mod idle;
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
    /// What idle devices cost, and how soon all are back.
    Connections(connections::Arguments),
    /// The devices of `connections`, in a process of their own.
    #[command(hide = true)]
    Idle(idle::Arguments),
    /// The load generator, as a process of its own so that its CPU time can be told from the server's.
    #[command(hide = true)]
    Load(load::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().bench {
        Bench::Ingest(arguments) => ingest::run(&arguments),
        Bench::Connections(arguments) => connections::run(&arguments),
        Bench::Idle(arguments) => idle::run(arguments),
        Bench::Load(arguments) => load::run(&arguments),
    }
}
