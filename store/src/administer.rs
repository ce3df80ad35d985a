//! What whoever administers a cluster does once: its roles, their passwords, the databases.

use postgres_protocol::password::scram_sha_256;
use tokio_postgres::Client;

use crate::connect::{connect_to, parse};
use crate::{Access, Error, Role};

const MAKE_ROLES: &str = include_str!("../../migrations/roles.sql");

const EXISTS: &str = "-- administer::exists
    SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)";

/// Names and passwords of any kind, as SQL writes them.
const CREATE_DATABASE: &str = "-- administer::create_database
    SELECT format('CREATE DATABASE %I OWNER vigil_owner', $1::text)";

const SET_PASSWORD: &str = "-- administer::set_password
    SELECT format('ALTER ROLE %I PASSWORD %L', $1::text, $2::text)";

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[EXISTS, CREATE_DATABASE, SET_PASSWORD];

/// Makes what is missing, as whoever may: a superuser, named by `url` with any database of the cluster. Repeatable.
/// Passwords leave this process as verifiers only, so that no log of the server has them.
pub async fn make_roles(url: &str, access: &Access, passwords: &[(Role, String)]) -> Result<(), Error> {
    let admin = parse(url)?;
    let client = connect_to(admin.clone(), "vigil administer").await?;
    client.batch_execute(MAKE_ROLES).await?;
    for (role, password) in passwords {
        let verifier = scram_sha_256(password.as_bytes());
        execute(&client, SET_PASSWORD, &[&role.name(), &verifier]).await?;
    }
    let keys = access.key_store();
    for database in [access.database(), keys.database()] {
        if !client.query_one(EXISTS, &[&database]).await?.try_get::<_, bool>(0)? {
            execute(&client, CREATE_DATABASE, &[&database]).await?;
        }
    }
    client.batch_execute(&closed_to_others(keys.database())).await?;
    let mut main = admin;
    main.dbname(access.database());
    let client = connect_to(main, "vigil administer").await?;
    client.batch_execute("CREATE EXTENSION IF NOT EXISTS timescaledb").await?;
    Ok(())
}

/// Runs the statement that another one writes.
async fn execute(
    client: &Client,
    writes: &str,
    parameters: &[&(dyn postgres_types::ToSql + Sync)],
) -> Result<(), Error> {
    let statement: String = client.query_one(writes, parameters).await?.try_get(0)?;
    client.batch_execute(&statement).await?;
    Ok(())
}

/// A key store: nobody but the part that reads keys may connect to it.
pub(crate) fn closed_to_others(database: &str) -> String {
    let name = format!("\"{}\"", database.replace('"', "\"\""));
    format!("REVOKE CONNECT ON DATABASE {name} FROM PUBLIC; GRANT CONNECT ON DATABASE {name} TO {}", Role::Keys.name())
}
