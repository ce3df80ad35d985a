use anyhow::Context;
use keys::Keyring;
use portal::command::Users;
use store::Role;
use vitals::Clock;

use super::block_on;
use crate::args::{Demo, User};
use crate::config::Config;
use crate::database::Database;
use crate::{fit, root_key};

/// Of whoever does one thing.
const CONNECTIONS: usize = 2;

pub(crate) fn user(config: &Config, command: User) -> anyhow::Result<()> {
    with_users(config, async |users, _| {
        match command {
            User::FirstAdmin { recover } => {
                let link = users.first_administrator(recover).await?;
                // Nowhere else: neither a log nor a file has it.
                println!("{}/welcome#{}", config.http.url(), *link.token);
                eprintln!("good once, until {}", link.expires_at);
            }
            User::List => {
                println!("{:<32} {:<8} roles", "login", "status");
                for line in users.list().await? {
                    println!("{:<32} {:<8} {}", line.login, line.status, line.roles.join(" "));
                }
            }
            User::Disable { login } => {
                users.disable(&login).await?;
                println!("disabled {login}");
            }
            User::OwnRecord { login, patient, mistaken } => {
                users.own_record(&login, patient, mistaken).await?;
                println!("{patient} is {}{login}", if mistaken { "not " } else { "" });
            }
        }
        Ok(())
    })
}

pub(crate) fn demo(config: &Config, command: Demo) -> anyhow::Result<()> {
    with_users(config, async |users, _| {
        match command {
            Demo::Code { login } => println!("{}", users.demo_code(&login).await?),
            Demo::StationCode { name } => println!("{}", users.demo().station_code(&name).await?),
            Demo::Seed => {
                let mut already = true;
                users.demo().seed(|made| (println!("{made}"), already = false).0).await?;
                if already {
                    println!("already");
                }
            }
        }
        Ok(())
    })
}

pub(super) fn with_users(
    config: &Config,
    work: impl AsyncFnOnce(&Users, &Database) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    root_key::look(config)?;
    let database = Database::open(config)?;
    let outcome = block_on(async {
        fit::schema(&database.access).await?;
        let (main, store) = root_key::pools(&database.access)?;
        let root = root_key::find(config, &database).await?;
        let keyring = Keyring::open(root, main, store).await.map_err(root_key::told)?;
        let pool = |role| database.access.pool(role, CONNECTIONS);
        let users = Users::new(pool(Role::Portal)?, pool(Role::Audit)?, Clock::system(), keyring);
        let worked = work(&users, &database).await;
        // Whatever came of it.
        users.close(Some(&config.audit.settings(config))).await.context("seal the audit")?;
        worked
    });
    database.close(config)?;
    outcome
}
