//! Every statement fits the schema, as the role that runs it.

use super::ground::Ground;

#[tokio::test]
async fn every_statement_prepares_as_vigil_keys() {
    let ground = Ground::new().await;
    let (main, keys) = (ground.main().get().await.unwrap(), ground.keys().await.get().await.unwrap());
    let (of_keys, of_main) = keys::testing::statements();
    for (client, statements) in [(keys, of_keys), (main, of_main)] {
        for statement in statements {
            client.prepare(statement).await.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
            // EXPLAIN asks for the rights, which preparing does not.
            if statement.contains("$") || statement.contains("pg_") {
                continue;
            }
            let explained = client.batch_execute(&format!("EXPLAIN {}", statement.split_once('\n').unwrap().1)).await;
            explained.unwrap_or_else(|error| panic!("{statement}: {error:?}"));
        }
    }
}
