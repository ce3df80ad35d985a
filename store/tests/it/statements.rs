use std::collections::BTreeSet;
use std::path::Path;

use store::testing::{database, statements};

#[tokio::test]
async fn every_statement_prepares_against_the_schema() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    for statement in statements() {
        if let Err(error) = client.prepare(&statement).await {
            panic!("{error:?}\n{statement}");
        }
    }
}

#[test]
fn every_statement_in_the_source_is_listed() {
    let listed: BTreeSet<_> = statements().iter().filter_map(|statement| name(statement)).map(str::to_owned).collect();
    let mut found = BTreeSet::new();
    collect(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
    // Prepared by `telemetry::Connection` when it opens.
    found.retain(|name| !name.starts_with("telemetry::"));
    assert_eq!(found, listed);
}

/// The `module::function` at the head of a statement.
fn name(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once("-- ")?;
    let name = rest.lines().next()?.trim();
    (name.contains("::") && !name.contains(' ')).then_some(name)
}

fn collect(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else {
            found.extend(std::fs::read_to_string(&path).unwrap().lines().filter_map(name).map(str::to_owned));
        }
    }
}
