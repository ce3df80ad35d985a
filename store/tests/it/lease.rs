use std::time::Duration;

use store::lease::{Lease, Standby, Turn, epoch, take};
use store::telemetry::Connection;
use store::testing::{TestDatabase, database};
use store::{Client, Error, Pool, Role};
use tokio::time::{Instant, sleep, timeout};

/// Nothing waits for it when all is well.
const PATIENCE: Duration = Duration::from_secs(20);

/// Longer than the database lets a session of the lease be silent.
const SILENT: Duration = Duration::from_secs(6);

async fn lead(db: &TestDatabase) -> Lease {
    let locked = match take(&db.access()).await.unwrap() {
        Turn::Ours(locked) => locked,
        // The database notices a moment later that the one before has gone.
        Turn::Theirs(standby) => timeout(PATIENCE, standby.wait()).await.expect("the lease").unwrap(),
    };
    locked.lead().await.unwrap()
}

async fn stand_by(db: &TestDatabase) -> Standby {
    let Turn::Theirs(standby) = take(&db.access()).await.unwrap() else { panic!("nobody had the lease") };
    standby
}

fn fenced(db: &TestDatabase, lease: &Lease) -> Pool {
    db.access().fenced(Role::Ingest, 2, lease.epoch()).unwrap()
}

/// Ends every session that waits for the lease or has it, as a restart of the database does; answers their number.
async fn cut(client: &Client) -> i64 {
    let cut = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'vigil lease'";
    client.query_one(cut, &[]).await.unwrap().get(0)
}

async fn eventually(client: &Client, question: &str) {
    let deadline = Instant::now() + PATIENCE;
    while !client.query_one(question, &[]).await.unwrap().get::<_, bool>(0) {
        assert!(Instant::now() < deadline, "never: {question}");
        sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn one_has_the_lease_and_the_next_gets_it_when_that_one_goes() {
    let db = database().await;
    let first = lead(&db).await;
    assert_eq!(epoch(&db.access()).await.unwrap(), first.epoch());
    let standby = stand_by(&db).await;
    let waiting = tokio::spawn(standby.wait());
    drop(first);
    let second = timeout(PATIENCE, waiting).await.expect("the lease").unwrap().unwrap().lead().await.unwrap();
    assert_eq!(epoch(&db.access()).await.unwrap(), second.epoch());
}

#[tokio::test]
async fn what_an_older_epoch_left_open_is_ended_and_it_opens_nothing_more() {
    let db = database().await;
    let first = lead(&db).await;
    let old = fenced(&db, &first);
    let mut client = old.get().await.unwrap();
    let writer = Connection::open(&old, "test").await.unwrap();
    let late = client.transaction().await.unwrap();
    late.batch_execute("INSERT INTO vitals_dirty VALUES (1, now())").await.unwrap();
    let beside = db.pool().get().await.unwrap();
    drop(first);
    let second = lead(&db).await;
    assert!(late.commit().await.is_err(), "its session is gone");
    assert!(writer.client().batch_execute("SELECT 1").await.is_err());
    let left = beside.query_one("SELECT count(*) FROM vitals_dirty", &[]).await.expect("a command goes on");
    assert_eq!(left.get::<_, i64>(0), 0);
    drop(client);
    let Err(refused) = old.get().await else { panic!("the pool makes one more") };
    assert!(refused.to_string().contains("another node has taken over"), "{refused}");
    assert!(matches!(Connection::open(&old, "test").await, Err(Error::Fenced(_))));
    Connection::open(&fenced(&db, &second), "test").await.unwrap();
}

#[tokio::test]
async fn who_says_something_keeps_the_lease_and_who_falls_silent_loses_it() {
    let db = database().await;
    let mut first = lead(&db).await;
    let mut waiting = tokio::spawn(stand_by(&db).await.wait());
    tokio::select! {
        epoch = first.keep() => panic!("passed by {epoch}"),
        _ = &mut waiting => panic!("taken from one that keeps it"),
        () = sleep(SILENT) => {}
    }
    let second = timeout(PATIENCE, waiting).await.expect("the lease").unwrap().unwrap().lead().await.unwrap();
    let passed = timeout(PATIENCE, first.keep()).await.expect("it is told");
    assert_eq!(passed, second.epoch());
}

#[tokio::test]
async fn the_active_node_gets_its_lease_back_before_a_standby_tries() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let mut first = lead(&db).await;
    let mut waiting = tokio::spawn(stand_by(&db).await.wait());
    assert_eq!(cut(&client).await, 2);
    // The active node is slow to notice.
    eventually(&client, "SELECT count(*) = 1 FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'vigil lease'").await;
    let held = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON pg_database.oid = database
        WHERE datname = current_database() AND locktype = 'advisory' AND objsubid = 1)";
    let before = first.epoch();
    tokio::select! {
        epoch = first.keep() => panic!("passed by {epoch}"),
        () = eventually(&client, held) => {}
    }
    tokio::select! {
        epoch = first.keep() => panic!("passed by {epoch}"),
        _ = &mut waiting => panic!("taken from one that has it again"),
        () = sleep(SILENT) => {}
    }
    assert_eq!(epoch(&db.access()).await.unwrap(), before);
}

#[tokio::test]
async fn a_node_learns_that_a_newer_version_has_replaced_it() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let mut old = lead(&db).await;
    cut(&client).await;
    let new = lead(&db).await;
    let newer =
        "INSERT INTO refinery_schema_history SELECT 999, 'later', applied_on, '0' FROM refinery_schema_history LIMIT 1";
    client.batch_execute(newer).await.unwrap();
    assert_eq!(timeout(PATIENCE, old.keep()).await.expect("it is told"), new.epoch());
    assert!(matches!(take(&db.access()).await, Err(Error::NewerSchema { .. })), "it cannot even stand by");
}

#[tokio::test]
async fn no_migration_changes_the_schema_under_an_active_node() {
    let db = database().await;
    db.key_store().await;
    let client = db.pool().get().await.unwrap();
    let (access, mut lease) = (db.access(), lead(&db).await);
    assert_eq!(store::migrate::run(&access, SILENT).await.unwrap(), [""; 0], "what is current needs no lease");
    let forget =
        "DELETE FROM refinery_schema_history WHERE version = (SELECT max(version) FROM refinery_schema_history)";
    client.batch_execute(forget).await.unwrap();
    tokio::select! {
        epoch = lease.keep() => panic!("passed by {epoch}"),
        refused = store::migrate::run(&access, SILENT) => assert!(matches!(refused, Err(Error::NodeActive)), "{refused:?}"),
    }
}

/// The role of ingest may call what ends everybody's sessions: only the session that holds the lease is obeyed.
#[tokio::test]
async fn nobody_fences_without_the_lease() {
    let db = database().await;
    let client = db.pool_of(Role::Ingest).get().await.unwrap();
    for call in ["SELECT raise_node_epoch()::int8", "SELECT end_other_epochs(0, 100)"] {
        let refused = Error::from(client.query_one(call, &[]).await.unwrap_err());
        assert_eq!(refused.sqlstate(), Some("42501"), "{call}: {refused}");
    }
    client.query_one("SELECT pg_advisory_lock(x'76696769'::int8)", &[]).await.unwrap();
    assert!(client.query_one("SELECT raise_node_epoch()", &[]).await.is_err(), "another lock is not the lease");
}
