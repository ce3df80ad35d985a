//! Everything that is not running: devices, database, schema.
#![expect(clippy::print_stdout, reason = "commands answer on standard output")]

mod device;

use std::future::Future;

use anyhow::{Context, bail};

use crate::args::Localdb;
use crate::config::Config;
use crate::database::{self, Database};
use crate::tls::Tls;

pub(crate) use device::device;

fn block_on<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future)
}

pub(crate) fn localdb(config: &Config, command: Localdb) -> anyhow::Result<()> {
    let options = database::options(config);
    match command {
        Localdb::Start => {
            let cluster = database::keep(config, &|step| eprintln!("{step}"))?;
            println!("running, process {}", cluster.pid());
        }
        Localdb::Stop => localdb::stop(&options)?,
        Localdb::Url => println!("{}", localdb::url(&options)?),
        Localdb::Status => match localdb::status(&options)? {
            localdb::Status::Running { pid } => println!("running, process {pid}"),
            localdb::Status::Stopped => println!("stopped"),
            localdb::Status::Absent => println!("absent"),
        },
    }
    Ok(())
}

pub(crate) fn migrate(config: &Config) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let applied = block_on(async { store::migrate::run(&database.url).await.context("migrate") });
    database.close(config)?;
    let applied = applied?;
    match applied.is_empty() {
        true => println!("the schema is current"),
        false => println!("applied {}", applied.join(", ")),
    }
    Ok(())
}

pub(crate) fn check(config: &Config, counts: bool) -> anyhow::Result<()> {
    let tls = Tls::open(config)?;
    tls.acceptor().context("read the certificates")?;
    println!("the server certificate ends at {}", tls.server()?.ends_at);
    let database = Database::open(config)?;
    let checked = block_on(async {
        match store::migrate::check(&database.url).await.context("look at the schema")? {
            store::migrate::State::Current => {}
            state => bail!("the schema is {state:?}: run `vigil migrate`"),
        }
        if counts {
            let counts = store::counts(&database.pool(config)?.get().await?).await?;
            println!("vitals={} alarms={} quarantined={}", counts.vitals, counts.alarms, counts.quarantined);
        }
        Ok(())
    });
    database.close(config)?;
    checked?;
    println!("fit to start");
    Ok(())
}
