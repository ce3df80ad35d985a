use std::time::Duration;

use store::Error;
use store::roster::{CredentialKind, Enrolment, add_credential, enrol, find, load, revoke, watch};
use store::testing::database;
use vitals::{AgeClass, DeviceKind, DeviceProfile, Realm, Timestamp};

/// How long a change may take to be seen; the roster is looked at each second.
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
    let gateway = enrol(&client, &Enrolment { kind: DeviceKind::Gateway, ..bed("gw-1") }).await.unwrap();
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
    for nobody in ["bed-1", "gw-9"] {
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
async fn the_last_roster_stays_while_the_database_is_away() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    enrol(&client, &bed("bed-1")).await.unwrap();
    let (mut roster, watching) = watch(db.pool()).await.unwrap();
    tokio::spawn(watching);

    // Every connection of the pool ends, this one too; the next look makes new ones.
    let others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()";
    assert!(client.batch_execute(others).await.is_err());
    assert!(roster.borrow_and_update().by_name("bed-1").is_some());
    // A connection that has not heard of its end yet may be handed out once.
    while let Err(error) = enrol(&db.pool().get().await.unwrap(), &bed("bed-2")).await {
        assert!(!error.blames_row() && !error.retry(), "{error}");
    }
    let seen = roster.wait_for(|roster| roster.by_name("bed-2").is_some());
    tokio::time::timeout(SOON, seen).await.expect("the change is seen").unwrap();
}
