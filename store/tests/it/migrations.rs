use std::time::Duration;

use store::Error;
use store::migrate::{State, check, run};
use store::testing::{database, empty_database, older_database};

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

/// As the version before the core schema left it: V5.
const WARD_OF_V5: &str = "
    INSERT INTO devices (external_id, kind, realm) VALUES ('gw', 'gateway', 'demo'), ('elsewhere', 'gateway', 'live');
    INSERT INTO devices (external_id, kind, realm, gateway_key) SELECT 'bed-1', 'device', 'demo', key FROM devices WHERE external_id = 'gw';
    INSERT INTO device_credentials (device_key, kind, digest) SELECT key, 'secret', sha256('s') FROM devices;
    INSERT INTO device_statuses SELECT key, 'online', now() FROM devices;
    INSERT INTO device_clocks SELECT key, 0, now() FROM devices;
    INSERT INTO rule_versions (id, code, priority, body) VALUES (gen_random_uuid(), 'temp_high', 'medium', '{}'),
        (gen_random_uuid(), 'database_away', 'high', '{}');
    INSERT INTO engine_epochs (started_at, stopped_at) VALUES (now() - interval '1 hour', now()), (now(), NULL);
    INSERT INTO alarms (id, device_key, rule_version_id, kind, priority, onset_at, raised_at)
        SELECT gen_random_uuid(), key, r.id, 'physiological', 'medium', now(), now() FROM devices, rule_versions r WHERE external_id = 'bed-1'
        UNION ALL SELECT gen_random_uuid(), NULL, id, 'technical', 'high', now(), now() FROM rule_versions WHERE code = 'database_away';
    INSERT INTO alarm_transitions SELECT 1, row_number() OVER (), id, 'raised', now(), now(), NULL FROM alarms;
    INSERT INTO vitals (at, received_at, device_key, flags, hr) SELECT now(), now(), key, 1, 70 FROM devices;
    INSERT INTO quarantine (device_key, topic, digest, reason, detail, payload, first_received_at, last_received_at)
        SELECT key, 't', sha256('p'), 'malformed', '', 'p', now(), now() FROM devices WHERE external_id = 'bed-1'";

#[tokio::test]
async fn a_database_in_use_since_before_the_core_schema_becomes_current_with_all_it_holds() {
    let db = older_database(5).await;
    let client = db.pool().get().await.unwrap();
    client.batch_execute(WARD_OF_V5).await.unwrap();
    drop(client);
    let applied = run(&db.access(), SOON).await.unwrap();
    assert_eq!(applied.first().map(String::as_str), Some("V6__tools"));
    let held = "SELECT (SELECT count(*) FROM devices), (SELECT count(*) FROM devices_history), (SELECT count(*) FROM alarms),
        (SELECT count(*) FROM alarms WHERE realm = 'demo'), (SELECT count(*) FROM alarm_transitions), (SELECT count(*) FROM vitals),
        (SELECT count(*) FROM quarantine WHERE NOT sealed)";
    let row = db.pool().get().await.unwrap().query_one(held, &[]).await.unwrap();
    let counts: Vec<i64> = (0..7).map(|at| row.get(at)).collect();
    assert_eq!(counts, [3, 3, 3, 2, 3, 3, 1]);
}

/// Told before anything is changed: the program before this one still starts.
#[tokio::test]
async fn a_gateway_of_another_realm_than_its_device_is_named_and_nothing_is_changed() {
    let db = older_database(5).await;
    let client = db.pool().get().await.unwrap();
    client.batch_execute(WARD_OF_V5).await.unwrap();
    let mixed = "UPDATE devices SET gateway_key = (SELECT key FROM devices WHERE external_id = 'elsewhere') WHERE external_id = 'bed-1'";
    client.batch_execute(mixed).await.unwrap();
    let refusal = run(&db.access(), SOON).await.unwrap_err();
    let told = std::iter::successors(Some(&refusal as &dyn std::error::Error), |error| error.source());
    assert!(told.into_iter().any(|error| error.to_string().contains("bed-1")), "{refusal:?}");
    let State::Behind { pending } = check(&db.access()).await.unwrap() else { panic!("not behind") };
    assert_eq!(pending.first().map(String::as_str), Some("V6__tools"));
}
