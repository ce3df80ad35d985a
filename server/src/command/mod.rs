//! Everything that is not running: devices, database, schema.
#![expect(clippy::print_stdout, reason = "commands answer on standard output")]

mod audit;
mod device;
mod keys;
mod migrate;
mod shred;
mod user;

use std::future::Future;

use anyhow::{Context, bail};
use store::{Access, Role};

use crate::args::Localdb;
use crate::config::Config;
use crate::database::{self, Database};
use crate::tls::Tls;
use crate::{fit, root_key, scrape};

pub(crate) use self::keys::keys;
pub(crate) use audit::audit;
pub(crate) use device::device;
pub(crate) use migrate::migrate;
pub(crate) use user::{demo, user};

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

pub(crate) fn check(config: &Config, counts: bool) -> anyhow::Result<()> {
    scrape::token(config)?;
    let tls = Tls::open(config)?;
    tls.acceptor().context("read the certificates")?;
    tls.transport().context("read the portal's certificate")?;
    println!("the server certificate ends at {}", tls.server()?.ends_at);
    if let Some(web) = tls.web()? {
        println!("the portal's certificate ends at {}", web.ends_at);
    }
    root_key::look(config)?;
    let database = Database::open(config)?;
    let checked = block_on(async {
        check_database(&database.access, counts).await?;
        root_key::fits(config, &database).await.map(drop)
    });
    database.close(config)?;
    checked?;
    println!("fit to start");
    Ok(())
}

async fn check_database(access: &Access, counts: bool) -> anyhow::Result<()> {
    match store::migrate::check(access).await.context("look at the schema")? {
        store::migrate::State::Current => {}
        state => bail!("the schema is {state:?}: run `vigil migrate`"),
    }
    fit::powers(access).await?;
    fit::nobody_live(access).await?;
    if counts {
        let (ingest, alerting) = (access.pool(Role::Ingest, 1)?, access.pool(Role::Alerting, 1)?);
        let counts = store::counts(&ingest.get().await?, &alerting.get().await?).await?;
        println!("vitals={} alarms={} quarantined={}", counts.vitals, counts.alarms, counts.quarantined);
    }
    Ok(())
}
