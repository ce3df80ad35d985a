use std::error::Error;

use store::testing::database;

#[tokio::test]
async fn an_error_repeats_no_value_of_the_row_however_deep_one_asks() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    client.batch_execute("CREATE TEMPORARY TABLE few (value text UNIQUE CHECK (length(value) < 9))").await.unwrap();
    let insert = "INSERT INTO few VALUES ($1)";
    client.execute(insert, &[&"somebody"]).await.unwrap();
    for (value, code) in [("somebody", "23505"), ("somebody else", "23514")] {
        let refused = store::Error::from(client.execute(insert, &[&value]).await.unwrap_err());
        // As a log line or a command tells it: with everything that lies behind it.
        let (mut told, mut behind) = (refused.to_string(), refused.source());
        while let Some(cause) = behind {
            told += &format!(": {cause}");
            behind = cause.source();
        }
        assert!(told.contains(code) && !told.contains("somebody"), "{told}");
    }
}
