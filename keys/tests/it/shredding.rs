//! One patient is forgotten, and nobody else.

use keys::shred::{TwoPersons, shred};
use keys::{Error, Keyring};
use store::Client;
use uuid::Uuid;
use vitals::{PatientId, Timestamp, UserId};

use super::ground::{Ground, NAME, patient};

const NOW: Timestamp = Timestamp::from_millis(1_795_428_000_000);

fn two() -> TwoPersons {
    TwoPersons::new(UserId(Uuid::now_v7()), UserId(Uuid::now_v7())).unwrap()
}

/// A patient with an identifier, whose number has changed once, a visit and search terms.
async fn admitted(ground: &Ground, keyring: &Keyring) -> (PatientId, Vec<u8>) {
    let (who, issuer) = (patient(), Uuid::now_v7());
    let key = keyring.make_patient(who).await.unwrap();
    let sealed = key.seal(NAME, b"row", b"Ada");
    let db = ground.db.pool().get().await.unwrap();
    let token = vec![7_u8; 32];
    for (sql, id) in [
        ("INSERT INTO organizations (id, realm, kind, name) VALUES ($1, 'test', 'assigning_authority', 'x')", issuer),
        ("INSERT INTO patients (id, realm) VALUES ($1, 'test')", who.0),
        ("INSERT INTO patient_tokens (key_version, token, rank, patient_id) VALUES (1, 42, 1, $1)", who.0),
    ] {
        db.execute(sql, &[&id]).await.unwrap();
    }
    let identifier = "INSERT INTO patient_identifiers (id, realm, patient_id, issuer_org, type, value_sealed, token, key_version, valid)
        VALUES ($1, 'test', $2, $3, 'MR', 'x', $4, 1, '[2026-01-01,)')";
    db.execute(identifier, &[&Uuid::now_v7(), &who.0, &issuer, &token]).await.unwrap();
    db.execute("UPDATE patient_identifiers SET status = 'old' WHERE patient_id = $1", &[&who.0]).await.unwrap();
    let encounter = "INSERT INTO encounters (id, realm, patient_id, class, status, visit_token, visit_key_version, visit_sealed, during, age_class)
        VALUES ($1, 'test', $2, 'inpatient', 'in_progress', $3, 1, 'x', '[2026-01-01,)', 'adult')";
    // Each patient's visit is his own.
    let visit: Vec<u8> = who.0.as_bytes().iter().chain(who.0.as_bytes()).copied().collect();
    db.execute(encounter, &[&Uuid::now_v7(), &who.0, &visit]).await.unwrap();
    (who, sealed)
}

/// Search terms, and rows that are found by the token that the patient came with, history among them.
async fn traces(db: &Client, who: PatientId) -> (i64, i64) {
    let terms = "SELECT count(*) FROM patient_tokens WHERE patient_id = $1";
    let found = "SELECT (SELECT count(*) FROM patient_identifiers WHERE patient_id = $1 AND token = $2)
        + (SELECT count(*) FROM patient_identifiers_history WHERE patient_id = $1 AND token = $2)
        + (SELECT count(*) FROM encounters WHERE patient_id = $1 AND visit_token = $3)
        + (SELECT count(*) FROM encounters_history WHERE patient_id = $1 AND visit_token = $3)";
    let visit: Vec<u8> = who.0.as_bytes().iter().chain(who.0.as_bytes()).copied().collect();
    (
        db.query_one(terms, &[&who.0]).await.unwrap().get(0),
        db.query_one(found, &[&who.0, &vec![7_u8; 32], &visit]).await.unwrap().get(0),
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exactly_one_patient_becomes_unreadable_and_unfindable() {
    let ground = Ground::new().await;
    let server = ground.follow().await;
    let (ada, of_ada) = admitted(&ground, &server).await;
    let (bob, of_bob) = admitted(&ground, &server).await;
    let db = ground.db.pool().get().await.unwrap();
    assert_eq!(traces(&db, ada).await, (1, 5));
    assert!(server.patient(ada).await.unwrap().open(NAME, b"row", &of_ada).is_ok(), "the server holds the key");

    let done = shred(ada, two(), &ground.databases().await, NOW, 35).await.unwrap();
    assert_eq!(done.at, NOW);
    assert_eq!(done.final_from, NOW.plus_millis(35 * 86_400_000));

    for keyring in [&server, &ground.open().await] {
        assert!(matches!(keyring.patient(ada).await, Err(Error::Destroyed(who)) if who == ada));
        assert!(matches!(keyring.make_patient(ada).await, Err(Error::Destroyed(_))), "no new key under the old name");
        assert_eq!(&**keyring.patient(bob).await.unwrap().open(NAME, b"row", &of_bob).unwrap(), b"Ada");
    }
    assert_eq!(traces(&db, ada).await, (0, 0));
    assert_eq!(traces(&db, bob).await, (1, 5));

    let later = NOW.plus_millis(1);
    let again = shred(ada, two(), &ground.databases().await, later, 35).await.unwrap();
    assert_eq!(again, done, "repeated, it tells what was done");
    let undo = "UPDATE patient_keys SET destroyed_at = NULL, wrapped = 'x', wrapping_version = 1 WHERE destroyed_at IS NOT NULL";
    let refused = ground.db.key_store().await.pool().get().await.unwrap().batch_execute(undo).await.unwrap_err();
    assert_eq!(refused.as_db_error().unwrap().constraint(), Some("patient_keys_stay_destroyed"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_legal_hold_on_anything_of_the_patient_keeps_the_key() {
    let ground = Ground::new().await;
    let keyring = ground.open().await;
    let (ada, sealed) = admitted(&ground, &keyring).await;
    let db = ground.db.pool().get().await.unwrap();
    for (hold, release) in [
        ("UPDATE patients SET legal_hold = true", "UPDATE patients SET legal_hold = false"),
        ("UPDATE encounters SET legal_hold = true", "UPDATE encounters SET legal_hold = false"),
    ] {
        db.batch_execute(hold).await.unwrap();
        let before = traces(&db, ada).await;
        let refused = shred(ada, two(), &ground.databases().await, NOW, 35).await;
        assert!(matches!(refused, Err(Error::LegalHold(who)) if who == ada), "{refused:?}");
        assert!(ground.open().await.patient(ada).await.unwrap().open(NAME, b"row", &sealed).is_ok());
        assert_eq!(traces(&db, ada).await, before, "{hold}");
        db.batch_execute(release).await.unwrap();
    }
    shred(ada, two(), &ground.databases().await, NOW, 35).await.unwrap();
}

#[tokio::test]
async fn it_takes_two_persons_and_a_patient() {
    let one = UserId(Uuid::now_v7());
    assert!(TwoPersons::new(one, one).is_none());
    let ground = Ground::new().await;
    ground.open().await;
    let refused = shred(patient(), two(), &ground.databases().await, NOW, 35).await;
    assert!(matches!(refused, Err(Error::NoKey(_))), "{refused:?}");
}
