//! A database of its own for each test: cloned from a migrated template in about 100 ms, dropped with the value.
//!
//! `VIGIL_TEST_DATABASE_URL` names a cluster where databases may be made. It needs
//! `timescaledb.max_background_workers=0`: a scheduler connected to the template would block the clone.

mod people;
mod statements;

pub use people::Person;
pub use statements::statements;

use std::sync::OnceLock;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::connect::parse;
use crate::{Access, Error, Pool, Role, administer, connect, migrate};

const ADMIN: &str = "VIGIL_TEST_DATABASE_URL";

/// Test processes that start at once make the template once.
const LOCK: i64 = 0x7465_6d70_6c61;

/// Of each pool.
const CONNECTIONS: usize = 8;

/// Nothing waits for it: nobody else uses a template.
const PATIENCE: Duration = Duration::from_secs(10);

static TEMPLATE: OnceCell<String> = OnceCell::const_new();
static KEYS_TEMPLATE: OnceCell<String> = OnceCell::const_new();

pub struct TestDatabase {
    name: String,
    url: String,
    pool: Pool,
    key_store: OnceLock<Box<Self>>,
}

impl TestDatabase {
    /// As the superuser.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Of the superuser, whom no grant and no policy binds: to seed and to look.
    pub fn pool(&self) -> Pool {
        self.pool.clone()
    }

    /// As a part connects; it may what the migrations granted.
    pub fn pool_of(&self, role: Role) -> Pool {
        self.access().pool(role, CONNECTIONS).expect("a pool")
    }

    /// As every role, which this cluster believes without a password.
    pub fn access(&self) -> Access {
        access(&self.url).expect("its own address")
    }

    /// Where it is, naming nobody.
    pub fn place(&self) -> String {
        place(&self.url)
    }

    pub fn owner_url(&self) -> String {
        with_user(&self.url, Role::Owner.name())
    }

    /// The key store beside it, made when it is first asked for, as it must be before anybody migrates; it goes with this one.
    pub async fn key_store(&self) -> &Self {
        if self.key_store.get().is_none() {
            let template = KEYS_TEMPLATE.get_or_init(|| async {
                let name = format!("vigil_keys_template_{:016x}", migrate::digest_of_keys());
                template(name, async |url| migrate::run_keys(&access(&url)?).await).await.expect("migrate the template")
            });
            let made = clone_of(template.await, format!("{}_keys", self.name)).await.expect("clone the template");
            let close = administer::closed_to_others(&made.name);
            made.pool.get().await.expect("connect").batch_execute(&close).await.expect("close it to others");
            drop(self.key_store.set(Box::new(made)));
        }
        self.key_store.get().expect("it was set above")
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A test's runtime cannot be blocked on from within: the thread brings its own.
        let dropped = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime of its own");
            runtime
                .block_on(async { Ok::<_, Error>(connect(&admin(), "vigil test").await?.batch_execute(&drop).await?) })
        });
        match dropped.join() {
            Ok(Ok(())) => {}
            other => eprintln!("could not drop {}: {other:?}", self.name),
        }
    }
}

/// Panics where there is no cluster for tests: a test without its database has not passed.
pub async fn database() -> TestDatabase {
    let template = TEMPLATE.get_or_init(|| async {
        let name = format!("vigil_template_{:016x}", migrate::digest());
        template(name, async |url| {
            connect(&url, "vigil test template").await?.batch_execute("CREATE EXTENSION timescaledb").await?;
            migrate::run_main(&access(&url)?, PATIENCE).await
        })
        .await
        .expect("migrate the template")
    });
    clone_of(template.await, new_name()).await.expect("clone the template")
}

/// Without any migration applied, and still the owner's; so is its key store.
pub async fn empty_database() -> TestDatabase {
    let made = clone_of("template0", new_name()).await.expect("create a database");
    let keys = clone_of("template0", format!("{}_keys", made.name)).await.expect("create a database");
    drop(made.key_store.set(Box::new(keys)));
    let extension = made.pool.get().await.expect("connect").batch_execute("CREATE EXTENSION timescaledb").await;
    extension.expect("TimescaleDB");
    made
}

/// As a program left it that knew migrations up to this one.
pub async fn older_database(version: i32) -> TestDatabase {
    let made = empty_database().await;
    migrate::run_up_to(&made.access(), version).await.expect("migrate it so far");
    made
}

fn new_name() -> String {
    format!("vigil_test_{}", Uuid::now_v7().simple())
}

async fn clone_of(template: &str, name: String) -> Result<TestDatabase, Error> {
    connect(&admin(), "vigil test")
        .await?
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template} OWNER {}", Role::Owner.name()))
        .await?;
    let url = with_database(&admin(), &name);
    let pool = Pool::build(parse(&url)?, CONNECTIONS, None)?;
    Ok(TestDatabase { name, url, pool, key_store: OnceLock::new() })
}

/// Made by `migrate`, which gets its address.
async fn template(
    name: String,
    migrate: impl AsyncFnOnce(String) -> Result<Vec<String>, Error>,
) -> Result<String, Error> {
    let admin_client = connect(&admin(), "vigil test template").await?;
    admin_client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    if !exists(&admin_client, &name).await? {
        // Under another name until it is whole: whoever is killed on the way leaves no template.
        let raw = format!("{name}_raw");
        admin_client.batch_execute(&format!("DROP DATABASE IF EXISTS {raw} WITH (FORCE)")).await?;
        admin_client.batch_execute(&format!("CREATE DATABASE {raw} OWNER {}", Role::Owner.name())).await?;
        let url = with_database(&admin(), &raw);
        migrate(url).await?;
        admin_client.batch_execute(&format!("ALTER DATABASE {raw} WITH ALLOW_CONNECTIONS false")).await?;
        admin_client.batch_execute(&format!("ALTER DATABASE {raw} RENAME TO {name}")).await?;
    }
    Ok(name)
}

async fn exists(client: &Client, name: &str) -> Result<bool, Error> {
    Ok(client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&name]).await?.is_some())
}

fn admin() -> String {
    #[expect(clippy::disallowed_methods, reason = "where the cluster for tests is")]
    let url = std::env::var(ADMIN);
    url.unwrap_or_else(|_| panic!("{ADMIN} names no cluster for tests; `./vigil test` starts one"))
}

/// The same cluster, another database; for `key=value` strings and URLs.
fn with_database(url: &str, name: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        // The last of repeated keys counts.
        return format!("{url} dbname={name}");
    };
    let (address, query) =
        rest.split_once('?').map_or((rest, String::new()), |(address, query)| (address, format!("?{query}")));
    let host = address.split_once('/').map_or(address, |(host, _)| host);
    format!("{scheme}://{host}/{name}{query}")
}

fn access(url: &str) -> Result<Access, Error> {
    Access::new(&place(url), None)?.with_owner(&with_user(url, Role::Owner.name()))
}

/// The same, naming nobody.
fn place(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        let names = |word: &&str| !word.starts_with("user=") && !word.starts_with("password=");
        return url.split(' ').filter(names).collect::<Vec<_>>().join(" ");
    };
    format!("{scheme}://{}", rest.split_once('@').map_or(rest, |(_, place)| place))
}

/// The same, as another role.
fn with_user(url: &str, user: &str) -> String {
    let place = place(url);
    match place.split_once("://") {
        None => format!("{place} user={user}"),
        Some((scheme, rest)) => format!("{scheme}://{user}@{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::{with_database, with_user};

    #[test]
    fn the_same_place_as_another_role() {
        for (url, expected) in [
            ("host=/run/x user=postgres dbname=t", "host=/run/x dbname=t user=vigil_owner"),
            ("postgres://u:p@h:5/t", "postgres://vigil_owner@h:5/t"),
            ("postgres://h/t?host=/run/x", "postgres://vigil_owner@h/t?host=/run/x"),
        ] {
            assert_eq!(with_user(url, "vigil_owner"), expected);
        }
    }

    #[test]
    fn another_database_of_the_same_cluster() {
        for (url, expected) in [
            ("host=/run/x dbname=postgres", "host=/run/x dbname=postgres dbname=t"),
            ("postgres://u:p@h:5/postgres?sslmode=disable", "postgres://u:p@h:5/t?sslmode=disable"),
            ("postgresql://u@%2Frun%2Fx", "postgresql://u@%2Frun%2Fx/t"),
        ] {
            assert_eq!(with_database(url, "t"), expected);
        }
    }
}
