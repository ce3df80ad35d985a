use std::time::Duration;

use store::Error;
use store::migrate::{State, check, run};
use store::testing::{database, empty_database};

const SOON: Duration = Duration::from_secs(10);

#[tokio::test]
async fn an_empty_database_becomes_current_and_stays_so() {
    let db = empty_database().await;
    assert_eq!(check(&db.access()).await.unwrap(), State::Empty);
    let applied = run(&db.access(), SOON).await.unwrap();
    assert_eq!(applied.first().map(String::as_str), Some("V1__devices"));
    assert_eq!(check(&db.access()).await.unwrap(), State::Current);
    assert_eq!(run(&db.access(), SOON).await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn two_migrators_at_once_apply_everything_once() {
    let db = empty_database().await;
    let access = db.access();
    let (left, right) = tokio::join!(run(&access, SOON), run(&access, SOON));
    let (left, right) = (left.unwrap(), right.unwrap());
    assert!(left.is_empty() != right.is_empty(), "{left:?} {right:?}");
    assert_eq!(check(&db.access()).await.unwrap(), State::Current);
}

#[tokio::test]
async fn a_newer_schema_is_refused() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let newer =
        "INSERT INTO refinery_schema_history SELECT 999, 'later', applied_on, '0' FROM refinery_schema_history LIMIT 1";
    client.batch_execute(newer).await.unwrap();
    assert!(matches!(check(&db.access()).await, Err(Error::NewerSchema { found: 999, .. })));
    let refusal = run(&db.access(), SOON).await.unwrap_err();
    assert!(matches!(refusal, Error::NewerSchema { found: 999, .. }), "{refusal}");
}

#[tokio::test]
async fn an_older_schema_names_what_is_pending() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    client.batch_execute("DELETE FROM refinery_schema_history WHERE version > 1").await.unwrap();
    let State::Behind { pending } = check(&db.access()).await.unwrap() else { panic!("not behind") };
    assert_eq!(pending.first().map(String::as_str), Some("V2__telemetry"));
}
