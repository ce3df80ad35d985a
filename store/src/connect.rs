use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, RecyclingMethod, Runtime};
use tokio_postgres::NoTls;

use crate::Error;
use crate::lease::{self, Epoch};
use crate::listen::Listener;

/// How long a connection may take to be made, or to come free in the pool.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// A peer that vanished without a word is noticed after `IDLE + 3 × BETWEEN`.
const KEEPALIVE_IDLE: Duration = Duration::from_secs(10);
const KEEPALIVE_BETWEEN: Duration = Duration::from_secs(3);

/// Sent data that stays unacknowledged this long ends the connection.
const UNACKNOWLEDGED: Duration = Duration::from_secs(15);

/// Of pooled connections. No query of a screen may hold one for longer than 30 s. Compiling a plan with JIT costs more
/// than any of our queries does, and the roll-up's 80 aggregates would trigger it. The plan as `ONLY_CHUNKS_ASKED_FOR`.
const SESSION: &str = "-c statement_timeout=30s -c idle_in_transaction_session_timeout=60s -c jit=off -c plan_cache_mode=force_custom_plan";

/// A plan that is kept for all parameters opens every chunk, whatever the parameters are (decision 0011).
pub(crate) const ONLY_CHUNKS_ASKED_FOR: &str = "SET plan_cache_mode = force_custom_plan";

pub type Client = deadpool_postgres::Client;

#[derive(Clone)]
pub struct Pool {
    pool: deadpool_postgres::Pool,
    /// How its connections are made.
    to: tokio_postgres::Config,
    fence: Option<Fence>,
}

/// The epoch to which connections belong, and where it is written if not in their own database.
#[derive(Clone)]
pub(crate) struct Fence {
    pub(crate) epoch: Epoch,
    pub(crate) elsewhere: Option<tokio_postgres::Config>,
}

impl Pool {
    pub(crate) fn build(own: tokio_postgres::Config, connections: usize, fence: Option<Fence>) -> Result<Self, Error> {
        let mut to = own.clone();
        if to.get_application_name().is_none() {
            to.application_name("vigil");
        }
        let options = to.get_options().map_or_else(|| SESSION.to_owned(), |theirs| format!("{SESSION} {theirs}"));
        to.options(options);
        let manager = Manager::from_config(to, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let mut pool = deadpool_postgres::Pool::builder(manager);
        if let Some(fence) = fence.clone() {
            pool = pool.post_create(Hook::async_fn(move |client, _| {
                let fence = fence.clone();
                Box::pin(async move {
                    lease::enter(client, &fence).await.map_err(|error| match error {
                        Error::Database(error) => HookError::Backend(error),
                        error => HookError::message(error.to_string()),
                    })
                })
            }));
        }
        let pool = pool
            .max_size(connections)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(PATIENCE))
            .create_timeout(Some(PATIENCE))
            .recycle_timeout(Some(PATIENCE))
            .build()
            .map_err(|error| Error::Pool(error.to_string()))?;
        Ok(Self { pool, to: own, fence })
    }

    pub async fn get(&self) -> Result<Client, Error> {
        Ok(self.pool.get().await?)
    }

    /// A connection of one's own beside those of the pool, as bound to an epoch as they are.
    pub async fn connect(&self, name: &str) -> Result<tokio_postgres::Client, Error> {
        let client = connect_to(self.to.clone(), name).await?;
        if let Some(fence) = &self.fence {
            lease::enter(&client, fence).await?;
        }
        Ok(client)
    }

    /// A session of one's own that hears everything notified on `channel` from here on.
    pub async fn listen(&self, name: &str, channel: &str) -> Result<Listener, Error> {
        Listener::open(self.to.clone(), name, channel).await
    }

    /// Connections that it may have.
    pub fn max_size(&self) -> usize {
        self.pool.status().max_size
    }

    pub(crate) fn to(&self) -> &tokio_postgres::Config {
        &self.to
    }
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // How to connect may hold a password.
        f.write_str("Pool")
    }
}

/// A connection of one's own, outside the pool. It ends when the client is dropped.
pub async fn connect(url: &str, name: &str) -> Result<tokio_postgres::Client, Error> {
    connect_to(parse(url)?, name).await
}

pub(crate) async fn connect_to(mut to: tokio_postgres::Config, name: &str) -> Result<tokio_postgres::Client, Error> {
    to.application_name(name);
    let (client, connection) = tokio::time::timeout(PATIENCE, to.connect(NoTls))
        .await
        .map_err(|_| Error::ConnectTimeout(PATIENCE.as_secs()))??;
    let name = name.to_owned();
    tokio::spawn(async move {
        // Whoever uses the client gets an error of its own; this one says why.
        if let Err(error) = connection.await {
            tracing::debug!(connection = name, error = &error as &dyn std::error::Error, "connection ended");
        }
    });
    Ok(client)
}

pub(crate) fn parse(url: &str) -> Result<tokio_postgres::Config, Error> {
    let mut config = tokio_postgres::Config::from_str(url)?;
    config
        .connect_timeout(PATIENCE)
        .keepalives(true)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_BETWEEN)
        .keepalives_retries(3)
        .tcp_user_timeout(UNACKNOWLEDGED);
    Ok(config)
}
