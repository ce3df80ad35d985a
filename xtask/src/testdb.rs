use clap::Subcommand;
use localdb::{Options, Purpose};

use crate::folders;

#[derive(Clone, Copy, Debug, Subcommand)]
pub(crate) enum Task {
    /// Starts it and prints what to export.
    Start,
    Stop,
    Url,
}

pub(crate) fn options(name: &str) -> Options {
    Options { state_dir: folders::target().join(name), cache_dir: None, purpose: Purpose::Test }
}

pub(crate) fn run(task: Task) -> anyhow::Result<()> {
    let options = options("testdb");
    match task {
        Task::Start => {
            let cluster = localdb::start(&options, &|step| eprintln!("{step}"))?;
            println!("export VIGIL_TEST_DATABASE_URL=\"{}\"", cluster.superuser_url());
        }
        Task::Stop => localdb::stop(&options)?,
        Task::Url => println!("{}", localdb::url(&options)?),
    }
    Ok(())
}
