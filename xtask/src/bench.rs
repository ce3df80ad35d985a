use crate::folders;
use crate::program::{self, cargo, command};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The bench (ingest, alarm, connections, portal or proof) and its own arguments: `ingest --quick`.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    build()?;
    program::run(command(folders::release("benches")).args(&arguments.words))
}

/// The release binaries that proofs, benches and the demo share.
pub(crate) fn build() -> anyhow::Result<()> {
    program::run(cargo().args(["build", "--release", "-p", "server", "-p", "device-sim", "-p", "benches"]))
}
