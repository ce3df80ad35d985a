//! What a part asks of the store it may ask by its own role, and finds its rows.

use std::sync::Arc;

use store::roster::{CredentialKind, add_credential, enrol, find, revoke};
use store::testing::TestDatabase;
use store::{Client, alarms, clocks, frames, minutes, series, statuses};
use vitals::{AlarmId, Condition, DeviceKey, Parameter, Priority, RuleVersion, Timestamp, Transition, What};

use super::ward;
use crate::charts::frame;
use crate::rosters::bed;

const NOON: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// The only one that this test takes from the pool, where it keeps the role.
async fn part(db: &TestDatabase, role: &str) -> Client {
    let client = db.pool().get().await.unwrap();
    client.batch_execute(&format!("SET SESSION AUTHORIZATION {role}")).await.unwrap();
    client
}

#[tokio::test]
async fn alerting_does_its_work_by_its_own_role() {
    let db = ward().await;
    crate::charts::store(&db, &[frame(NOON, &[(Parameter::Hr, 150.0)])]).await;
    let client = part(&db, "vigil_alerting").await;
    let epoch = alarms::begin_epoch(&client, NOON).await.unwrap();
    let told = |device: Option<DeviceKey>, code: &str, seq| {
        let rule = Arc::new(RuleVersion::new(code, Priority::High, Condition::System));
        let alarm = AlarmId::derive(device, rule.id, NOON);
        Transition {
            epoch,
            seq,
            alarm,
            device,
            rule,
            what: What::Raised,
            at: NOON,
            received_at: NOON,
            onset_at: NOON,
            value: None,
        }
    };
    let told = [told(Some(DeviceKey(1)), "silence", 1), told(None, "database_away", 2)];
    alarms::save(&client, &told).await.unwrap();
    alarms::save(&client, &told).await.unwrap();
    let found = alarms::after(&client, epoch, 0, 10).await.unwrap();
    assert_eq!(
        found.iter().map(|(_, alarm)| alarm.rule.code.as_str()).collect::<Vec<_>>(),
        ["silence", "database_away"]
    );
    assert_eq!(alarms::active(&client).await.unwrap().len(), 4);
    assert_eq!(alarms::touching(&client, NOON).await.unwrap().len(), 4);
    let realms = "SELECT realm, presence FROM alarms WHERE onset_at = to_timestamp($1) ORDER BY device_key";
    let seconds = NOON.millis() as f64 / 1_000.0;
    let realms = client.query(realms, &[&seconds]).await.unwrap();
    let realms: Vec<(Option<&str>, &str)> = realms.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(realms, [(Some("demo"), "present"), (None, "present")], "that of the device, and of no device none");
    alarms::end_epoch(&client, epoch, NOON).await.unwrap();
    assert_eq!(alarms::last_stop(&client, NOON).await.unwrap(), Some(NOON));
    let replayed =
        frames::received_between(&client, |_| Some(NOON), NOON.plus_millis(1_000)).await.unwrap().next().await.unwrap();
    assert_eq!(replayed.len(), 1);
}

#[tokio::test]
async fn ingest_does_its_work_by_its_own_role() {
    let db = ward().await;
    crate::charts::store(&db, &[frame(NOON, &[(Parameter::Hr, 150.0)])]).await;
    let client = part(&db, "vigil_ingest").await;
    clocks::save(&client, &[(DeviceKey(1), 5)], NOON).await.unwrap();
    assert_eq!(clocks::load(&client).await.unwrap().len(), 1);
    assert!(statuses::load(&client).await.unwrap().is_empty());
    assert!(find(&client, "monitor-1").await.unwrap().is_some());
    minutes::recompute(&client, NOON.plus_millis(60_000), 10).await.unwrap();
    client.query_one(&format!("SELECT pg_advisory_lock({})", 0x0076_6967_696c_i64), &[]).await.unwrap();
    let raised = "SELECT (SELECT epoch FROM node_epoch), raise_node_epoch()";
    let raised = client.query_one(raised, &[]).await.unwrap();
    assert_eq!(raised.get::<_, i32>(0) + 1, raised.get::<_, i32>(1));
    let ended: i64 = client.query_one("SELECT end_other_epochs(1::oid, 1000)", &[]).await.unwrap().get(0);
    assert_eq!(ended, 0);
}

#[tokio::test]
async fn the_portal_does_its_work_by_its_own_role() {
    let db = ward().await;
    crate::charts::store(&db, &[frame(NOON, &[(Parameter::Hr, 150.0)])]).await;
    let mut client = part(&db, "vigil_portal").await;
    let key = enrol(&client, &bed("bed-9")).await.unwrap();
    add_credential(&client, key, CredentialKind::Secret, &[7; 32], None).await.unwrap();
    assert!(revoke(&client, "bed-9").await.unwrap());
    for (user, expected) in [(Some("user_ann"), 1), (Some("user_ben"), 0), (None, 0)] {
        let tx = client.transaction().await.unwrap();
        let user = user.map_or_else(String::new, |user| super::id(user).to_string());
        tx.execute("SELECT set_config('vigil.user', $1, true)", &[&user]).await.unwrap();
        for step_ms in [1_000, 60_000] {
            let chart = series::buckets(&tx, DeviceKey(1), NOON, NOON.plus_millis(60_000), step_ms).await.unwrap();
            assert_eq!(chart.columns.len(), expected, "a device that nobody has on is shown to nurses");
        }
        // Of those in the ward one is about the patient whom Ann covers.
        assert_eq!(alarms::page(&tx, None, false, 10).await.unwrap().len(), expected);
        tx.rollback().await.unwrap();
    }
}
