use std::time::Duration;

use store::Error;
use store::roster::{CredentialKind, Enrolment, add_credential, enrol, find, load, revoke, watch};
use store::testing::database;
use vitals::{AgeClass, DeviceKind, DeviceProfile, Realm, Timestamp};

/// How long a change may take to be seen: less than the 30 s after which the roster is looked at unasked, so that what
/// comes within it was announced.
const SOON: Duration = Duration::from_secs(20);

pub(crate) fn bed(name: &str) -> Enrolment {
    Enrolment {
        name: name.parse().unwrap(),
        kind: DeviceKind::Device,
        profile: DeviceProfile::Bedside,
        age_class: AgeClass::Adult,
        realm: Realm::Live,
        gateway: None,
    }
}

#[tokio::test]
async fn what_was_enrolled_is_in_the_roster() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let gateway =
        enrol(&client, &Enrolment { kind: DeviceKind::Gateway, realm: Realm::Demo, ..bed("gw-1") }).await.unwrap();
    let home = Enrolment {
        profile: DeviceProfile::Home,
        age_class: AgeClass::Neonatal,
        realm: Realm::Demo,
        gateway: Some("gw-1".parse().unwrap()),
        ..bed("home-1")
    };
    let key = enrol(&client, &home).await.unwrap();
    let ends = Timestamp::parse("2031-01-01T00:00:00.000001Z").unwrap();
    add_credential(&client, key, CredentialKind::Secret, &[7; 32], Some(ends)).await.unwrap();

    let roster = load(&client).await.unwrap();
    assert_eq!(roster.iter().count(), 2);
    let device = roster.by_name("home-1").unwrap();
    assert_eq!(roster.by_key(key), Some(device));
    assert_eq!((device.profile, device.age_class, device.realm), (home.profile, home.age_class, home.realm));
    assert_eq!((device.gateway, device.revoked), (Some(gateway), false));
    let [credential] = roster.credentials(key) else { panic!("one credential") };
    assert_eq!((credential.kind, credential.digest), (CredentialKind::Secret, [7; 32]));
    assert_eq!((credential.not_after, credential.revoked), (Some(ends), false));
    assert_eq!(find(&client, "home-1").await.unwrap(), Some((device.as_ref().clone(), vec![credential.clone()])));
    assert_eq!(find(&client, "nobody").await.unwrap(), None);
}

#[tokio::test]
async fn a_name_is_enrolled_once() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    enrol(&client, &bed("bed-1")).await.unwrap();
    let refusal = enrol(&client, &bed("bed-1")).await.unwrap_err();
    assert_eq!(refusal.constraint(), Some("devices_external_id_key"));
    assert_eq!(refusal.sqlstate(), Some("23505"));
    assert!(refusal.blames_row() && !refusal.retry());
    assert!(!refusal.to_string().contains("bed-1"), "an error repeats no value: {refusal}");
}

#[tokio::test]
async fn only_an_enrolled_gateway_may_stand_for_a_device() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    enrol(&client, &bed("bed-1")).await.unwrap();
    let elsewhere = Enrolment { kind: DeviceKind::Gateway, realm: Realm::Test, ..bed("gw-test") };
    enrol(&client, &elsewhere).await.unwrap();
    for nobody in ["bed-1", "gw-9", "gw-test"] {
        let refusal = enrol(&client, &Enrolment { gateway: Some(nobody.parse().unwrap()), ..bed("bed-2") }).await;
        assert!(matches!(refusal, Err(Error::UnknownGateway(_))), "{nobody}");
    }
}

#[tokio::test]
async fn a_revocation_reaches_whoever_watches() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    enrol(&client, &bed("bed-1")).await.unwrap();
    let (mut roster, watching) = watch(db.pool()).await.unwrap();
    assert!(!roster.borrow().by_name("bed-1").unwrap().revoked);
    let before = roster.borrow().revision();
    tokio::spawn(watching);

    assert!(revoke(&client, "bed-1").await.unwrap());
    assert!(!revoke(&client, "bed-1").await.unwrap(), "once");
    assert!(!revoke(&client, "bed-2").await.unwrap(), "nobody");
    let seen = roster.wait_for(|roster| roster.by_name("bed-1").unwrap().revoked);
    let seen = tokio::time::timeout(SOON, seen).await.expect("the change is seen").unwrap();
    assert!(seen.revision() > before);
}

#[tokio::test]
async fn what_is_read_of_a_change_makes_the_roster_that_reading_everything_makes() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let (mut roster, watching) = watch(db.pool()).await.unwrap();
    tokio::spawn(watching);
    for change in [
        "INSERT INTO devices (external_id, kind, realm) VALUES ('bed-1', 'device', 'live'), ('gw', 'gateway', 'live')",
        "INSERT INTO device_credentials (device_key, kind, digest) SELECT key, 'secret', sha256('1') FROM devices",
        "INSERT INTO device_credentials (device_key, kind, digest) SELECT key, 'secret', sha256('2') FROM devices WHERE key = 1",
        "UPDATE device_credentials SET revoked_at = now() WHERE digest = sha256('2')",
        "UPDATE devices SET external_id = 'bed-2', age_class = 'neonatal', gateway_key = 2 WHERE key = 1",
        "UPDATE devices SET revoked_at = now() WHERE key = 2",
        "UPDATE devices SET realm = 'demo' WHERE false",
        "DELETE FROM device_credentials WHERE device_key = 2",
        "TRUNCATE device_credentials",
        "BEGIN; INSERT INTO devices (external_id, kind, realm) VALUES ('bed-3', 'device', 'test');
            INSERT INTO device_credentials (device_key, kind, digest) SELECT key, 'secret', sha256('3') FROM devices WHERE key = 3;
            COMMIT",
    ] {
        client.batch_execute(change).await.unwrap();
        let whole = load(&client).await.unwrap();
        let seen = roster.wait_for(|roster| roster.revision() == whole.revision());
        let seen = tokio::time::timeout(SOON, seen).await.unwrap_or_else(|_| panic!("not seen: {change}")).unwrap();
        assert_eq!(**seen, whole, "{change}");
    }
}

#[tokio::test]
async fn what_changed_while_nobody_listened_is_found_and_the_last_roster_stays_until_then() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    enrol(&client, &bed("bed-1")).await.unwrap();
    let (mut roster, watching) = watch(db.pool()).await.unwrap();
    tokio::spawn(watching);

    let admit = "UPDATE pg_database SET datallowconn = $1 WHERE datname = current_database()";
    client.execute(admit, &[&false]).await.unwrap();
    let ended = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'vigil roster'";
    assert!(client.query_one(ended, &[]).await.unwrap().get::<_, bool>(0), "the listener is gone");
    enrol(&client, &bed("bed-2")).await.unwrap();
    assert!(roster.borrow().by_name("bed-1").is_some() && roster.borrow().by_name("bed-2").is_none());
    client.execute(admit, &[&true]).await.unwrap();
    let seen = roster.wait_for(|roster| roster.by_name("bed-2").is_some());
    tokio::time::timeout(SOON, seen).await.expect("the change is seen").unwrap();

    // And it hears again.
    assert!(revoke(&client, "bed-1").await.unwrap());
    let seen = roster.wait_for(|roster| roster.by_name("bed-1").unwrap().revoked);
    tokio::time::timeout(SOON, seen).await.expect("the change is heard").unwrap();
}
