//! Keys are replaced while two processes seal, open and look all the time: nobody notices, and no old key is needed after.

use std::time::Duration;

use keys::rotate::Databases;
use keys::{Error, Keyring, RootKey, TokenKind, rotate};
use store::{Client, Pool};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use vitals::PatientId;

use super::ground::{Ground, NAME, patient, read};

/// Nothing waits for it when all is well.
const SOON: Duration = Duration::from_secs(60);

/// Rounds of the load between two steps of the test: each makes, seals, opens and looks.
const ROUNDS: u64 = 20;

/// Rows as a table of patients holds them: found by a token, sealed by a patient's key.
const SCRATCH: &str = "CREATE TABLE scratch (patient_id uuid PRIMARY KEY, sealed bytea NOT NULL, token bytea NOT NULL,
    key_version int4 NOT NULL); GRANT SELECT, INSERT, UPDATE ON scratch TO vigil_keys";
const ADD: &str = "INSERT INTO scratch (patient_id, sealed, token, key_version) VALUES ($1, $2, $3, $4)";
const LOOK: &str = "SELECT sealed FROM scratch WHERE patient_id = $1 AND (key_version, token)
    IN (SELECT * FROM unnest($2::int4[], $3::bytea[]))";
const MOVE: &str = "UPDATE scratch SET token = $2, key_version = $3 WHERE patient_id = $1";

async fn add(db: &Client, keyring: &Keyring) -> Result<PatientId, Error> {
    let who = patient();
    let sealed = keyring.make_patient(who).await?.seal(NAME, b"row", who.0.as_bytes());
    let token = keyring.token(TokenKind::Identifier, who.to_string());
    db.execute(ADD, &[&who.0, &sealed, &token.bytes.as_slice(), &token.key_version])
        .await
        .map_err(store::Error::from)?;
    Ok(who)
}

/// Panics where the patient is not found, or is found to be somebody else.
async fn look(db: &Client, keyring: &Keyring, who: PatientId) -> Result<(), Error> {
    let tokens = keyring.tokens(TokenKind::Identifier, who.to_string());
    let versions: Vec<i32> = tokens.iter().map(|token| token.key_version).collect();
    let bytes: Vec<&[u8]> = tokens.iter().map(|token| token.bytes.as_slice()).collect();
    let row = db.query_opt(LOOK, &[&who.0, &versions, &bytes]).await.map_err(store::Error::from)?;
    let sealed: Vec<u8> = row.unwrap_or_else(|| panic!("{who} is not found by {versions:?}")).get(0);
    assert_eq!(&**keyring.patient(who).await?.open(NAME, b"row", &sealed)?, who.0.as_bytes());
    Ok(())
}

struct Load {
    rounds: watch::Receiver<u64>,
    running: JoinHandle<Result<Vec<PatientId>, Error>>,
}

impl Load {
    /// One process writes, another reads what it wrote just now, a while ago and at first.
    fn start(db: Pool, writer: Keyring, reader: Keyring) -> Self {
        let (told, rounds) = watch::channel(0);
        let sealed_before = writer.system().seal(NAME, b"row", b"seed");
        let running = tokio::spawn(async move {
            let (db, mut known) = (db.get().await?, Vec::new());
            while !told.is_closed() {
                known.push(add(&db, &writer).await?);
                for who in [known[known.len() - 1], known[known.len() / 2], known[0]] {
                    look(&db, &reader, who).await?;
                }
                reader.system().open(NAME, b"row", &sealed_before)?;
                reader.system().open(NAME, b"row", &writer.system().seal(NAME, b"row", b"seed"))?;
                told.send_modify(|rounds| *rounds += 1);
            }
            Ok(known)
        });
        Self { rounds, running }
    }

    /// Returns once so much more was done; an error of the load is the test's.
    async fn goes_on(&mut self) {
        let until = *self.rounds.borrow() + ROUNDS;
        let reached = timeout(SOON, self.rounds.wait_for(|rounds| *rounds >= until)).await.expect("the load goes on");
        if reached.is_err() {
            panic!("{:?}", (&mut self.running).await);
        }
    }

    async fn end(self) -> Vec<PatientId> {
        drop(self.rounds);
        self.running.await.unwrap().unwrap()
    }
}

async fn reindex(db: &Client, keyring: &Keyring) -> Result<(), Error> {
    for row in db.query("SELECT patient_id FROM scratch", &[]).await.map_err(store::Error::from)? {
        let who = PatientId(row.get(0));
        let token = keyring.token(TokenKind::Identifier, who.to_string());
        let moved = db.execute(MOVE, &[&who.0, &token.bytes.as_slice(), &token.key_version]).await;
        moved.map_err(store::Error::from)?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_key_is_replaced_under_load() {
    let ground = Ground::new().await;
    let superuser = ground.db.pool().get().await.unwrap();
    superuser.batch_execute(SCRATCH).await.unwrap();
    let databases = ground.databases().await;
    let mut load = Load::start(ground.main(), ground.follow().await, ground.follow().await);
    load.goes_on().await;

    assert_eq!(rotate::wrapping(&ground.root(), &databases).await.unwrap().0, 2);
    load.goes_on().await;

    let (before, path) = (ground.root(), ground.path("root.key"));
    RootKey::make(&ground.path("next.key")).unwrap();
    let next = read(ground.path("next.key"));
    rotate::root(&before, &next, &databases, || next.replace(&path), false).await.unwrap();
    load.goes_on().await;

    let moved = async |keyring: &Keyring| reindex(&superuser, keyring).await;
    assert_eq!(rotate::index(&next, &databases, moved).await.unwrap(), 2);
    load.goes_on().await;

    // By processes that know the new root key from its file alone.
    assert_eq!(rotate::wrapping(&next, &databases).await.unwrap().0, 3);
    load.goes_on().await;
    let known = load.end().await;
    assert!(known.len() as u64 >= 5 * ROUNDS);

    let refused = Keyring::open(before, ground.main(), ground.keys().await).await;
    assert!(matches!(refused, Err(Error::AnotherRoot)), "the old root key is of no use");
    let fresh = ground.open().await;
    for who in known {
        look(&superuser, &fresh, who).await.unwrap();
    }
    for (table, left) in [("root_keys", 1), ("wrapping_keys", 1), ("wrapped_keys", 1)] {
        assert_eq!(ground.count(&format!("SELECT count(*) FROM {table}")).await, left, "{table}");
    }
    let old = "SELECT count(*) FILTER (WHERE wrapped IS NOT NULL), count(*) FROM system_keys WHERE purpose = 'index'";
    let row = superuser.query_one(old, &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (1, 2), "the old index key is destroyed");
    assert_eq!(fresh.tokens(TokenKind::Identifier, "x").len(), 1);
}

/// As one whose listening session is broken.
#[tokio::test]
async fn a_process_that_heard_nothing_reads_anew_what_it_does_not_know() {
    let ground = Ground::new().await;
    let (deaf, writes, reads) = (ground.open().await, patient(), patient());
    let sealed = deaf.make_patient(reads).await.unwrap().seal(NAME, b"row", b"Ada");
    let late = ground.open().await;
    assert_eq!(rotate::wrapping(&ground.root(), &ground.databases().await).await.unwrap().0, 2);
    deaf.make_patient(writes).await.unwrap();
    assert_eq!(ground.count("SELECT count(*) FROM patient_keys WHERE wrapping_version = 2").await, 2);
    assert_eq!(&**late.patient(reads).await.unwrap().open(NAME, b"row", &sealed).unwrap(), b"Ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_that_was_broken_off_is_finished_by_the_same_call() {
    let ground = Ground::new().await;
    let databases = ground.databases().await;
    let (keyring, who) = (ground.open().await, patient());
    let sealed = keyring.make_patient(who).await.unwrap().seal(NAME, b"row", b"Ada");
    let (before, path) = (ground.root(), ground.path("root.key"));
    RootKey::make(&ground.path("next.key")).unwrap();
    let next = read(ground.path("next.key"));
    // The new root key is known to the database, and its file is not in its place.
    let broken = || Err(keys::RootError::NotAFile(path.clone()));
    assert!(rotate::root(&before, &next, &databases, broken, false).await.is_err());
    assert!(ground.open().await.patient(who).await.is_ok(), "the old one still opens");
    assert!(matches!(rotate::wrapping(&before, &databases).await, Err(Error::TwoRoots)));
    rotate::root(&before, &next, &databases, || next.replace(&path), false).await.unwrap();
    // And once more, when only the old one was left to be forgotten.
    rotate::root(&ground.root(), &next, &databases, || next.replace(&path), false).await.unwrap();
    assert_eq!(ground.count("SELECT count(*) FROM root_keys").await, 1);

    // After the new key was made, and before any row had it.
    let superuser = ground.db.key_store().await.pool().get().await.unwrap();
    assert_eq!(rotate::wrapping(&next, &databases).await.unwrap(), (2, 3), "a patient's, the system's, the index's");
    superuser.batch_execute("UPDATE wrapping_keys SET state = 'next'").await.unwrap();
    assert_eq!(rotate::wrapping(&next, &databases).await.unwrap(), (2, 0));
    let opened = ground.open().await;
    assert_eq!(&**opened.patient(who).await.unwrap().open(NAME, b"row", &sealed).unwrap(), b"Ada");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_root_keys_open_while_the_files_of_other_nodes_are_replaced() {
    let ground = Ground::new().await;
    let databases = ground.databases().await;
    ground.open().await;
    std::fs::copy(ground.path("root.key"), ground.path("other_node.key")).unwrap();
    let other_node = read(ground.path("other_node.key"));
    let (before, path) = (ground.root(), ground.path("root.key"));
    RootKey::make(&ground.path("next.key")).unwrap();
    let next = read(ground.path("next.key"));
    rotate::root(&before, &next, &databases, || next.replace(&path), true).await.unwrap();
    Keyring::open(other_node.clone(), ground.main(), ground.keys().await).await.unwrap();
    ground.open().await;
    rotate::root(&ground.root(), &next, &databases, || next.replace(&path), false).await.unwrap();
    assert!(matches!(Keyring::open(other_node, ground.main(), ground.keys().await).await, Err(Error::AnotherRoot)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_root_key_is_forgotten_that_a_process_still_has() {
    let ground = Ground::new().await;
    let databases = Databases { patience: Duration::from_millis(300), ..ground.databases().await };
    // Another node: its file is its own, and stays as it is.
    std::fs::copy(ground.path("root.key"), ground.path("other_node.key")).unwrap();
    let other_node = read(ground.path("other_node.key"));
    let (keyring, following) = Keyring::follow(other_node.clone(), ground.main(), ground.keys().await).await.unwrap();
    tokio::spawn(following);
    let (before, path) = (ground.root(), ground.path("root.key"));
    RootKey::make(&ground.path("next.key")).unwrap();
    let next = read(ground.path("next.key"));
    let replaced = rotate::root(&before, &next, &databases, || next.replace(&path), false).await;
    assert!(matches!(replaced, Err(Error::Unheard { processes: 1 })), "{replaced:?}");
    Keyring::open(other_node, ground.main(), ground.keys().await).await.unwrap();
    keyring.make_patient(patient()).await.unwrap();
    // Its file is replaced too, and the same call comes to its end.
    next.replace(&ground.path("other_node.key")).unwrap();
    rotate::root(&next, &next, &ground.databases().await, || next.replace(&path), false).await.unwrap();
    assert_eq!(ground.count("SELECT count(*) FROM root_keys").await, 1);
    assert_eq!(rotate::wrapping(&next, &ground.databases().await).await.unwrap(), (2, 3));
    keyring.make_patient(patient()).await.unwrap();
}

#[tokio::test]
async fn an_index_key_that_a_row_still_needs_is_kept() {
    let ground = Ground::new().await;
    let databases = ground.databases().await;
    let keyring = ground.open().await;
    let (who, db) = (patient(), ground.db.pool().get().await.unwrap());
    let token = keyring.token(TokenKind::Name, "ada");
    db.execute("INSERT INTO patients (id, realm) VALUES ($1, 'test')", &[&who.0]).await.unwrap();
    let add = "INSERT INTO patient_tokens (key_version, token, rank, patient_id) VALUES ($1, $2, 1, $3)";
    db.execute(add, &[&token.key_version, &token.short(), &who.0]).await.unwrap();
    for _ in 0..2 {
        let refused = rotate::index(&ground.root(), &databases, async |_| Ok(())).await;
        assert!(matches!(refused, Err(Error::OldTokens { rows: 1, version: 2 })), "{refused:?}");
        let opened = ground.open().await;
        assert_eq!(opened.tokens(TokenKind::Name, "ada").len(), 2);
        assert_eq!(opened.tokens(TokenKind::Name, "ada")[1], token, "the row is still found");
        assert_eq!(opened.token(TokenKind::Name, "ada").key_version, 2, "what is new has the new one");
    }
    db.execute("UPDATE patient_tokens SET key_version = 2", &[]).await.unwrap();
    assert_eq!(rotate::index(&ground.root(), &databases, async |_| Ok(())).await.unwrap(), 2);
    assert_eq!(ground.open().await.tokens(TokenKind::Name, "ada").len(), 1);
}

#[tokio::test]
async fn one_rotates_at_a_time() {
    let ground = Ground::new().await;
    let databases = ground.databases().await;
    ground.open().await;
    let second = async |_: &Keyring| {
        let refused = rotate::wrapping(&ground.root(), &databases).await;
        assert!(matches!(refused, Err(Error::Rotating)), "{refused:?}");
        Ok(())
    };
    rotate::index(&ground.root(), &databases, second).await.unwrap();
    rotate::wrapping(&ground.root(), &databases).await.unwrap();
}

/// Half of a rotation is undone by rotating the other way: what the nodes still hold is then the root key again.
#[tokio::test]
async fn a_root_rotation_that_was_not_heard_is_undone_and_nothing_is_lost() {
    let ground = Ground::new().await;
    let who = patient();
    let sealed = ground.open().await.make_patient(who).await.unwrap().seal(NAME, b"row", b"kept");
    let (before, path) = (ground.root(), ground.path("root.key"));
    RootKey::make(&ground.path("next.key")).unwrap();
    let next = read(ground.path("next.key"));
    // Of a node whose file nobody replaces.
    std::fs::copy(&path, ground.path("node2.key")).unwrap();
    let (elsewhere, following) =
        Keyring::follow(read(ground.path("node2.key")), ground.main(), ground.keys().await).await.unwrap();
    let following = tokio::spawn(following);
    let hasty = Databases { patience: Duration::from_millis(200), ..ground.databases().await };
    let unheard = rotate::root(&before, &next, &hasty, || next.replace(&path), false).await;
    assert!(matches!(unheard, Err(Error::Unheard { .. })), "{unheard:?}");
    following.abort();
    assert!(following.await.unwrap_err().is_cancelled());
    drop(elsewhere);

    rotate::root(&next, &before, &ground.databases().await, || before.replace(&path), false).await.unwrap();
    let opened = ground.open().await.patient(who).await.unwrap().open(NAME, b"row", &sealed).unwrap().to_vec();
    assert_eq!(opened, b"kept");
    assert_eq!(ground.count("SELECT count(*) FROM root_keys WHERE state = 'active'").await, 1);
}

/// A token that was computed before the index key was replaced, and is written after, would be found by nobody.
#[tokio::test]
async fn a_token_of_an_old_index_key_is_refused() {
    let ground = Ground::new().await;
    let keyring = ground.open().await;
    let stale = keyring.token(TokenKind::Identifier, "12345");
    let superuser = ground.db.pool().get().await.unwrap();
    let who = patient();
    superuser.execute("INSERT INTO patients (id, realm) VALUES ($1, 'test')", &[&who.0]).await.unwrap();
    let add = "INSERT INTO patient_tokens (key_version, token, rank, patient_id) VALUES ($1, 7, $2, $3)";
    superuser.execute(add, &[&stale.key_version, &0_i16, &who.0]).await.unwrap();
    let remove = async |_: &Keyring| {
        superuser
            .execute("DELETE FROM patient_tokens", &[])
            .await
            .map(drop)
            .map_err(|error| store::Error::from(error).into())
    };
    let version = rotate::index(&ground.root(), &ground.databases().await, remove).await.unwrap();
    let refused = superuser.execute(add, &[&stale.key_version, &1_i16, &who.0]).await.unwrap_err();
    assert_eq!(store::Error::from(refused).constraint(), Some("patient_tokens_token_is_current"));
    superuser.execute(add, &[&version, &1_i16, &who.0]).await.unwrap();
}
