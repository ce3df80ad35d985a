use keys::Keyring;
use store::testing::TestDatabase;
use store::{Client, Role};
use vitals::{Clock, Timestamp};

use super::*;
use crate::audit::{Action, Category, Entity, EntityKind, Event, Purpose};

const T0: Timestamp = Timestamp::from_millis(1_795_428_000_000);

fn desk(database: &TestDatabase) -> Desk {
    let (clock, _) = Clock::settable(T0);
    Desk::of_a_command(database.pool_of(Role::Portal), database.pool_of(Role::Audit), clock, Keyring::for_tests())
}

fn event() -> Event {
    Event::new(Category::Rights, Action::Create, Entity::all(EntityKind::User))
}

async fn count(db: &Client, table: &str) -> i64 {
    db.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
}

const ADD: &str = "INSERT INTO practitioners (id, realm, display_name) VALUES (gen_random_uuid(), 'live', 'Somebody')";

#[tokio::test]
async fn a_write_is_kept_with_its_event_or_not_at_all() {
    let database = store::testing::database().await;
    let db = database.pool().get().await.unwrap();
    let caller = Caller::system(&desk(&database), Part::Command);

    let write = Write::begin(&caller, Purpose::Operations).await.unwrap();
    write.db().execute(ADD, &[]).await.unwrap();
    drop(write);
    let write = Write::begin(&caller, Purpose::Operations).await.unwrap();
    write.db().execute(ADD, &[]).await.unwrap();
    // What the database refuses takes the explanation with it.
    assert!(write.db().execute("INSERT INTO practitioners (id) VALUES (NULL)", &[]).await.is_err());
    assert!(write.commit(event().detail("all is well")).await.is_err());
    assert_eq!((count(&db, "practitioners").await, count(&db, "audit_events").await), (0, 0));

    let write = Write::begin(&caller, Purpose::Operations).await.unwrap();
    let id = write.audit_id();
    write.db().execute(ADD, &[]).await.unwrap();
    write.commit(event().detail("hired on Monday")).await.unwrap();
    assert_eq!((count(&db, "practitioners").await, count(&db, "audit_events").await), (1, 1));
    let history = "SELECT author, audit_id FROM practitioners_history";
    let row = db.query_one(history, &[]).await.unwrap();
    assert_eq!((row.get::<_, String>(0), row.get::<_, uuid::Uuid>(1)), ("command".to_owned(), id.0));
    let detail: Vec<u8> = db.query_one("SELECT detail_sealed FROM audit_events", &[]).await.unwrap().get(0);
    assert!(!detail.windows(6).any(|part| part == b"Monday"));
}

#[tokio::test]
async fn a_read_that_shows_nothing_leaves_nothing_and_can_write_nothing() {
    let database = store::testing::database().await;
    let db = database.pool().get().await.unwrap();
    db.execute(ADD, &[]).await.unwrap();
    let desk = desk(&database);
    let caller = Caller::system(&desk, Part::Portal);
    let read = Read::begin(&caller, Purpose::Operations).await.unwrap();
    let found = read.find(async |db| Ok::<_, store::Error>(count(db, "practitioners").await)).await.unwrap();
    drop((read, found));
    assert_eq!(count(&db, "audit_events").await, 0);

    let read = Read::begin(&caller, Purpose::Operations).await.unwrap();
    let refused = read.find(async |db| Ok::<_, store::Error>(db.execute(ADD, &[]).await?)).await;
    assert_eq!(refused.err().and_then(|error| error.sqlstate().map(str::to_owned)), Some("25006".to_owned()));

    let read = Read::begin(&caller, Purpose::Operations).await.unwrap();
    let found = read.find(async |db| Ok::<_, store::Error>(count(db, "practitioners").await)).await.unwrap();
    assert_eq!(read.seen(found, |_| event()).await.unwrap(), 1);
    assert_eq!(count(&db, "audit_events").await, 1);
}

/// A pooled connection carries nobody's context to the next one, however its transaction ended.
#[tokio::test]
async fn the_context_ends_with_the_transaction() {
    let database = store::testing::database().await;
    let desk = desk(&database);
    let caller = Caller::system(&desk, Part::Portal);
    for _ in 0..40 {
        drop(Read::begin(&caller, Purpose::Operations).await.unwrap());
        drop(Write::begin(&caller, Purpose::Operations).await.unwrap());
    }
    let clients = futures_util::future::join_all((0..8).map(|_| desk.identity_pool().get())).await;
    for client in clients {
        let client = client.unwrap();
        let part = client.query_one("SELECT current_setting('vigil.part', true)", &[]).await.unwrap();
        assert!(part.get::<_, Option<String>>(0).is_none_or(|part| part.is_empty()));
    }
}

/// Whoever made the request leaves while it commits: what was committed is in the chain all the same.
#[tokio::test]
async fn a_write_whose_handler_was_dropped_while_it_committed_has_a_link() {
    let database = store::testing::database().await;
    let db = database.pool().get().await.unwrap();
    // It waits in COMMIT for as long as this lock is held.
    db.batch_execute(
        "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER waits AFTER INSERT ON practitioners DEFERRABLE INITIALLY DEFERRED
            FOR EACH ROW EXECUTE FUNCTION wait();
        SELECT pg_advisory_lock(7)",
    )
    .await
    .unwrap();
    let desk = desk(&database);
    let caller = Caller::system(&desk, Part::Command);
    let write = Write::begin(&caller, Purpose::Operations).await.unwrap();
    write.db().execute(ADD, &[]).await.unwrap();
    let commits = tokio::spawn(async move { write.commit(event()).await.map_err(drop) });
    let waits = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 7
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    let begun = std::time::Instant::now();
    while db.query_one(waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        assert!(begun.elapsed().as_secs() < 60, "it does not commit");
        tokio::task::yield_now().await;
    }
    commits.abort();
    assert!(commits.await.unwrap_err().is_cancelled());
    db.batch_execute("SELECT pg_advisory_unlock(7)").await.unwrap();
    while count(&db, "audit_events").await == 0 {
        assert!(begun.elapsed().as_secs() < 60, "it did not commit");
        tokio::task::yield_now().await;
    }
    desk.audit().close(None).await.unwrap();
    assert_eq!(count(&db, "audit_links").await, 1);
}
