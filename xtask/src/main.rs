//! What a developer and CI run: the checks, the web build, the demonstration ward, the benches.
#![expect(clippy::print_stdout, reason = "its answers are read on a terminal")]

mod bench;
mod codegen;
mod demo;
mod folders;
mod fuzz;
mod interrupt;
mod program;
mod suites;
mod system;
mod test;
mod testdb;
mod tidy;
mod web;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "vigil", bin_name = "./vigil")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// A simulated ward against everything, on this machine, until Ctrl-C.
    Demo(demo::Arguments),
    /// Everything CI runs.
    Test(test::Arguments),
    /// What we claim, measured by the release binary.
    Bench(bench::Arguments),
    /// Random bytes against everything that reads what others send.
    Fuzz(fuzz::Arguments),
    /// The rules of the house that the compiler does not know.
    Tidy,
    /// Builds the browser UI into portal/web/dist.
    Web,
    /// Rewrites the browser's types from the portal's.
    Codegen {
        /// Only say whether they are current.
        #[arg(long)]
        check: bool,
    },
    /// A throw-away database for `cargo test`.
    #[command(subcommand)]
    Testdb(testdb::Task),
}

fn main() -> ExitCode {
    interrupt::listen();
    let outcome = match Arguments::parse().task {
        Task::Demo(arguments) => demo::run(&arguments),
        Task::Test(arguments) => test::run(&arguments),
        Task::Bench(arguments) => bench::run(&arguments),
        Task::Fuzz(arguments) => fuzz::run(&arguments),
        Task::Tidy => tidy::run(),
        Task::Web => web::build(),
        Task::Codegen { check } => codegen::run(check),
        Task::Testdb(task) => testdb::run(task),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("could not {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Arguments::command().debug_assert();
    }
}
