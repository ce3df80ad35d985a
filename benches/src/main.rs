//! What we claim, measured. Ratios within one run; results are committed with the machine they ran on.
#![expect(clippy::print_stdout, reason = "a bench prints")]

mod alarm;
mod connections;
mod dataset;
mod idle;
mod ingest;
mod ledger;
mod limit;
mod load;
mod machine;
mod maximum;
mod mqtt;
mod portal;
mod probes;
mod proof;
mod random;
mod report;
mod screen;
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
    /// From PUBLISH to the screen at half of the maximum load.
    Alarm(alarm::Arguments),
    /// What ten thousand idle devices cost, and how soon all are back.
    Connections(connections::Arguments),
    /// The whole way of a reading against bare COPY of the same rows.
    Ingest(ingest::Arguments),
    /// Reads of one patient with audit, row-level security and decryption against the same without.
    Portal(portal::Arguments),
    /// The side without, for `portal` to start.
    #[command(hide = true)]
    Bare(portal::bare::Arguments),
    /// Nothing acknowledged is lost or doubled: SIGKILL at full load, everything twice, an hour's soak.
    Proof(proof::Arguments),
}

fn main() -> anyhow::Result<()> {
    match Arguments::parse().bench {
        Bench::Alarm(arguments) => alarm::run(&arguments),
        Bench::Connections(arguments) => connections::run(&arguments),
        Bench::Ingest(arguments) => ingest::run(&arguments),
        Bench::Portal(arguments) => portal::run(&arguments),
        Bench::Bare(arguments) => portal::bare::run(&arguments),
        Bench::Proof(arguments) => proof::run(&arguments),
    }
}
