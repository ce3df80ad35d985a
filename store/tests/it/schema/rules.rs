use std::time::Duration;

use tokio::time::timeout;
use uuid::Uuid;

use super::{admin, named, run, ward};

/// Nothing waits for it when all is well.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test]
async fn versions_of_a_rule_are_numbered_and_hashed() {
    let db = ward().await;
    let client = admin(&db).await;
    let more = "INSERT INTO rule_versions (id, rule_id, priority, body, n) VALUES
        (@hr_high_2, rule_named('hr_high'), 'high', '{\"limit\": 140}', 77), (@hr_high_3, rule_named('hr_high'), 'low', '{}', 77),
        (@rr_low, rule_named('rr_low'), 'low', '{}', 77)";
    run(&client, more).await.unwrap();
    let versions = "SELECT code, n, hash = sha256(convert_to(priority || ' ' || body::text, 'UTF8'))
        FROM rule_versions v JOIN rules ON rules.id = rule_id ORDER BY code, n";
    let versions = client.query(&named(versions), &[]).await.unwrap();
    let versions: Vec<(String, i32, bool)> = versions.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect();
    let expected = [("hr_high", 1), ("hr_high", 2), ("hr_high", 3), ("rr_low", 1)];
    assert_eq!(versions, expected.map(|(code, n)| (code.to_owned(), n, true)));
}

/// The second comes while the first has not committed, waits for it, and finds its rule.
#[tokio::test]
async fn two_that_name_a_new_rule_at_once_find_the_same() {
    let db = ward().await;
    let [first, second, looks] = [admin(&db).await, admin(&db).await, admin(&db).await];
    let name = "SELECT rule_named('spo2_low')";
    first.batch_execute("BEGIN").await.unwrap();
    let rule: Uuid = first.query_one(name, &[]).await.unwrap().get(0);
    let pid: i32 = second.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let found = tokio::spawn(async move { second.query_one(name, &[]).await });
    let waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $1";
    let waiting = async {
        while looks.query_one(waits, &[&pid]).await.unwrap().get::<_, Option<bool>>(0) != Some(true) {
            tokio::task::yield_now().await;
        }
    };
    timeout(SOON, waiting).await.expect("the second waits for the first");
    first.batch_execute("COMMIT").await.unwrap();
    assert_eq!(found.await.unwrap().unwrap().get::<_, Uuid>(0), rule);
}
