//! Every statement fits the schema.

use super::ground::Ground;

#[tokio::test]
async fn every_statement_prepares_against_the_schema() {
    let ground = Ground::new().await;
    let (main, keys) = (ground.main().get().await.unwrap(), ground.keys().await.get().await.unwrap());
    let (of_keys, of_main) = keys::testing::statements();
    for (client, statements) in [(keys, of_keys), (main, of_main)] {
        for statement in statements {
            client.prepare(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
    }
}

#[test]
fn every_statement_in_the_source_is_listed() {
    let (of_keys, of_main) = keys::testing::statements();
    let mut found = 0;
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/rows")).unwrap() {
        found += std::fs::read_to_string(file.unwrap().path()).unwrap().matches("\"-- rows::").count();
    }
    assert_eq!(found, of_keys.len() + of_main.len());
}
