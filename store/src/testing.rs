//! A database of its own for each test: cloned from a migrated template in about 100 ms, dropped with the value.
//!
//! `VIGIL_TEST_DATABASE_URL` names a cluster where databases may be made. It needs
//! `timescaledb.max_background_workers=0`: a scheduler connected to the template would block the clone.

mod statements;

pub use statements::statements;

use tokio::sync::OnceCell;
use tokio_postgres::Client;
use uuid::Uuid;

use crate::{Config, Error, Pool, connect, migrate};

const ADMIN: &str = "VIGIL_TEST_DATABASE_URL";

/// Test processes that start at once make the template once.
const LOCK: i64 = 0x7465_6d70_6c61;

static TEMPLATE: OnceCell<String> = OnceCell::const_new();

pub struct TestDatabase {
    name: String,
    url: String,
    pool: Pool,
}

impl TestDatabase {
    pub fn url(&self) -> &str {
        &self.url
    }

    pub fn pool(&self) -> Pool {
        self.pool.clone()
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
    let template = TEMPLATE.get_or_init(|| async { template().await.expect("migrate the template") }).await;
    clone_of(template).await.expect("clone the template")
}

/// Without any migration applied.
pub async fn empty_database() -> TestDatabase {
    clone_of("template0").await.expect("create a database")
}

async fn clone_of(template: &str) -> Result<TestDatabase, Error> {
    let name = format!("vigil_test_{}", Uuid::now_v7().simple());
    connect(&admin(), "vigil test")
        .await?
        .batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {template}"))
        .await?;
    let url = with_database(&admin(), &name);
    let pool = Pool::new(&Config { url: url.clone(), connections: 8 })?;
    Ok(TestDatabase { name, url, pool })
}

async fn template() -> Result<String, Error> {
    let name = format!("vigil_template_{:016x}", migrate::digest());
    let admin_client = connect(&admin(), "vigil test template").await?;
    admin_client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await?;
    if !exists(&admin_client, &name).await? {
        // Under another name until it is whole: whoever is killed on the way leaves no template.
        let raw = format!("{name}_raw");
        admin_client.batch_execute(&format!("DROP DATABASE IF EXISTS {raw} WITH (FORCE)")).await?;
        admin_client.batch_execute(&format!("CREATE DATABASE {raw}")).await?;
        migrate::run(&with_database(&admin(), &raw)).await?;
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

#[cfg(test)]
mod tests {
    use super::with_database;

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
