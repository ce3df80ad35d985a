//! The core schema keeps what it promises whoever writes: constraints by their names, versions, realms, who may what.

mod admissions;
mod broken;
mod catalog;
mod history;
mod parts;
mod rights;
mod rules;

use store::Error;
use store::testing::{TestDatabase, database};
use tokio_postgres::Client;
use uuid::Uuid;

/// A row of every table of the core.
pub(crate) async fn ward() -> TestDatabase {
    let db = database().await;
    run(&admin(&db).await, include_str!("ward.sql")).await.unwrap();
    db
}

/// The superuser, whom only constraints and triggers bind.
pub(crate) async fn admin(db: &TestDatabase) -> Client {
    store::connect(db.url(), "test").await.unwrap()
}

/// Whom grants and policies bind too. A connection of its own: a pooled one would keep the role.
pub(crate) async fn role(db: &TestDatabase, role: &str) -> Client {
    let client = admin(db).await;
    client.batch_execute(&format!("SET SESSION AUTHORIZATION {role}")).await.unwrap();
    client
}

pub(crate) async fn run(client: &Client, sql: &str) -> Result<(), Error> {
    Ok(client.batch_execute(&named(sql)).await?)
}

/// What `@word` of a statement stands for: the same in every ward.
pub(crate) fn id(word: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, word.as_bytes())
}

/// With the uuid of each @word in its place.
pub(crate) fn named(sql: &str) -> String {
    let mut parts = sql.split('@');
    let mut done = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_').unwrap_or(part.len());
        let (word, rest) = part.split_at(end);
        done.push_str(&if word.is_empty() { "@".to_owned() } else { format!("'{}'::uuid", id(word)) });
        done.push_str(rest);
    }
    done
}
