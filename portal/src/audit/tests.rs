use std::sync::Arc;

use ::store::testing::TestDatabase;
use ::store::{Client, Role};
use futures_util::future::join_all;
use keys::Keyring;
use vitals::{Clock, CorrelationId, EventId, Timestamp};

use super::sealer::Sealer;
use super::spool::Spool;
use super::*;

const T0: Timestamp = Timestamp::from_millis(1_795_428_000_000);

fn record(now: Timestamp) -> Record {
    Record {
        id: EventId::new(now),
        at: now,
        realm: None,
        agent: Agent { part: Some("portal".to_owned()), ..Agent::default() },
        purpose: Purpose::Operations,
        category: Category::Devices,
        action: Action::Read,
        outcome: Outcome::Success,
        endpoint: Some("GET /api/devices".to_owned()),
        address: None,
        entity: Entity::all(EntityKind::Device),
        subjects: Vec::new(),
        worn: None,
        detail_sealed: None,
        times: 1,
        correlation: CorrelationId::new(now),
    }
}

async fn count(db: &Client, sql: &str) -> i64 {
    db.query_one(sql, &[]).await.unwrap().get(0)
}

async fn audit(database: &TestDatabase) -> (Audit, Client) {
    let (clock, _) = Clock::settable(T0);
    let audit = Audit::of_a_command(database.pool_of(Role::Audit), clock, Keyring::for_tests());
    (audit, database.pool().get().await.unwrap())
}

/// On one thread all requests have come before the first batch is looked at: counting its transactions needs no clock.
#[tokio::test]
async fn what_comes_together_is_committed_together_and_at_most_two_hundred_at_once() {
    let database = ::store::testing::database().await;
    let (audit, db) = audit(&database).await;
    let transactions = "SELECT count(DISTINCT xmin::text) FROM audit_events";
    for outcome in join_all((0..64).map(|_| audit.record(record(T0)))).await {
        outcome.unwrap();
    }
    assert_eq!((count(&db, "SELECT count(*) FROM audit_events").await, count(&db, transactions).await), (64, 1));
    for outcome in join_all((0..450).map(|_| audit.record(record(T0)))).await {
        outcome.unwrap();
    }
    assert_eq!((count(&db, "SELECT count(*) FROM audit_events").await, count(&db, transactions).await), (514, 4));
}

/// One event that the table refuses costs its neighbours nothing, and nobody is told that it was recorded.
#[tokio::test]
async fn an_event_that_is_refused_is_refused_alone() {
    let database = ::store::testing::database().await;
    let (audit, db) = audit(&database).await;
    let wrong = Record { agent: Agent::default(), ..record(T0) };
    let records = [record(T0), wrong, record(T0)];
    let outcomes = join_all(records.into_iter().map(|record| audit.record(record))).await;
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(count(&db, "SELECT count(*) FROM audit_events").await, 2);
}

#[tokio::test]
async fn identical_requests_that_come_at_once_are_one_event_too() {
    let database = ::store::testing::database().await;
    let (audit, db) = audit(&database).await;
    let ask = || {
        let record = record(T0);
        audit.record_once(Sameness::of(&record, "/api/devices?", None), record)
    };
    join_all((0..5).map(|_| ask())).await.into_iter().for_each(|outcome| outcome.unwrap());
    assert_eq!(count(&db, "SELECT count(*) FROM audit_events").await, 1);
    let counts = audit.repeats.over(T0.plus_millis(59_999));
    assert_eq!(counts, []);
    let counts = audit.repeats.over(T0.plus_millis(60_000));
    assert_eq!((counts.len(), counts[0].times), (1, 4));
    assert_eq!(audit.repeats.all(T0.plus_millis(60_001)), []);
}

/// A process that died between its commit and its link leaves both to the next one; only what is too old to be that stays.
#[tokio::test]
async fn what_a_crash_left_unsealed_is_adopted() {
    let database = ::store::testing::database().await;
    let pool = database.pool_of(Role::Audit);
    let db = database.pool().get().await.unwrap();
    let (clock, hand) = Clock::settable(T0);
    let left = record(T0);
    insert(&pool.get().await.unwrap(), std::slice::from_ref(&left)).await.unwrap();
    hand.advance_ms(10_000);
    let next = Sealer::new(pool.clone(), clock.clone());
    // Somebody puts rows in: before the last head that was signed, and while this process runs.
    let long_ago = record(T0.plus_millis(-600_000));
    insert(&pool.get().await.unwrap(), &[long_ago, record(T0.plus_millis(10_001))]).await.unwrap();
    hand.advance_ms(45_000);
    assert_eq!(next.adopt(T0).await.unwrap(), 1, "what lies between that head and the start");
    let marked =
        "SELECT count(*) FROM audit_links WHERE adopted AND event_id = (SELECT min(id::text)::uuid FROM audit_events
        WHERE at = '2026-11-23T10:00:00Z')";
    assert_eq!((count(&db, "SELECT count(*) FROM audit_links").await, count(&db, marked).await), (1, 1));
    assert_eq!(next.adopt(T0).await.unwrap(), 0);
    // Two that adopt at once: one link. What was put in while the one ran was before the other's start.
    insert(&pool.get().await.unwrap(), &[record(T0.plus_millis(1))]).await.unwrap();
    let other = Sealer::new(pool, clock);
    let (one, two) = tokio::join!(next.adopt(T0), other.adopt(T0));
    assert!(one.is_ok() || two.is_ok());
    next.seal().await.unwrap();
    other.seal().await.unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM audit_links WHERE adopted").await, 3);
}

/// A database that was away for a moment while the disk took nothing keeps nobody out afterwards.
#[tokio::test]
async fn what_neither_database_nor_disk_took_is_taken_again_once_one_does() {
    let database = ::store::testing::database().await;
    let (audit, db) = audit(&database).await;
    db.batch_execute("ALTER TABLE audit_events RENAME TO elsewhere").await.unwrap();
    assert!(audit.record(record(T0)).await.is_err());
    db.batch_execute("ALTER TABLE elsewhere RENAME TO audit_events").await.unwrap();
    audit.record(record(T0)).await.unwrap();
}

/// A commit whose answer was lost: it is in the chain if it happened, and in nobody's way if it did not.
#[tokio::test]
async fn only_what_is_in_the_table_gets_a_link() {
    let database = ::store::testing::database().await;
    let pool = database.pool_of(Role::Audit);
    let db = database.pool().get().await.unwrap();
    let (clock, hand) = Clock::settable(T0);
    let sealer = Sealer::new(pool.clone(), clock);
    let (there, late) = (record(T0), record(T0));
    sealer.announce([there.id, late.id, EventId::new(T0)]);
    insert(&pool.get().await.unwrap(), &[there]).await.unwrap();
    sealer.seal().await.unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM audit_links").await, 1);
    insert(&pool.get().await.unwrap(), &[late]).await.unwrap();
    sealer.seal().await.unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM audit_links").await, 2);
    hand.advance_ms(120_000);
    sealer.seal().await.unwrap();
    assert_eq!(sealer.waiting(), 0, "what never came is waited for no longer");
}

/// Every column of the row is in the hash: a migration that adds one adds it to the list.
#[tokio::test]
async fn no_column_of_an_event_is_outside_the_hash() {
    let database = ::store::testing::database().await;
    let db = database.pool().get().await.unwrap();
    let columns = "SELECT attname::text FROM pg_attribute
        WHERE attrelid = 'audit_events'::regclass AND attnum > 0 AND NOT attisdropped";
    let mut columns: Vec<String> = db.query(columns, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    let mut hashed = chain::COLUMNS.to_vec();
    columns.sort_unstable();
    hashed.sort_unstable();
    assert_eq!(columns, hashed);
}

#[test]
fn the_disk_keeps_whole_events_and_gives_each_once() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..5).map(|second| record(T0.plus_millis(second * 1_000))).collect();
    let mut spool = Spool::open(folder.path()).unwrap();
    assert!(spool.is_empty());
    spool.append(&records[..3]).unwrap();
    drop(spool);
    // Cut off in the middle of a line, by whatever ended the process: that one was never answered for.
    let path = folder.path().join("events.spool");
    let mut text = std::fs::read(&path).unwrap();
    text.extend_from_slice(b"{\"id\":\"0190");
    std::fs::write(&path, text).unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    spool.append(&records[3..]).unwrap();
    let (first, end) = spool.next(2).unwrap();
    assert_eq!(first, records[..2]);
    spool.drained(end).unwrap();
    let (rest, end) = spool.next(200).unwrap();
    assert_eq!(rest, records[2..]);
    spool.drained(end).unwrap();
    assert!(spool.is_empty());
    assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
    assert!(!folder.path().join("events.refused").exists());
}

#[test]
fn a_key_that_others_may_read_signs_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("signing.key");
    let made = Signer::open(&file).unwrap().public_key();
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(Signer::open(&file).unwrap().public_key(), made);
    assert_eq!(PublicKey::read(&signer::beside(&file)).unwrap(), made);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(Signer::open(&file), Err(KeyError::Open(_))));
}

/// The sink is a file on another mount: away, heads wait for it, and come in their order.
#[tokio::test]
async fn heads_wait_for_the_sink() {
    let database = ::store::testing::database().await;
    let pool = database.pool_of(Role::Audit);
    let folder = tempfile::tempdir().unwrap();
    let mount = folder.path().join("mount");
    let (clock, _) = Clock::settable(T0);
    let sealer = Arc::new(Sealer::new(pool.clone(), clock.clone()));
    let signer = Signer::open(&folder.path().join("signing.key")).unwrap();
    let key = signer.public_key();
    let heads = Heads::open(pool.clone(), clock, sealer.clone(), signer, folder.path(), Some(mount.join("heads")));
    let mut heads = heads.unwrap();
    for _ in 0..2 {
        let record = record(T0);
        sealer.announce([record.id]);
        insert(&pool.get().await.unwrap(), &[record]).await.unwrap();
        sealer.seal().await.unwrap();
        assert!(matches!(heads.sign().await, Err(Error::Sink(_))));
    }
    std::fs::create_dir(&mount).unwrap();
    heads.sign().await.unwrap();
    let (sent, others) = heads::read(&mount.join("heads")).unwrap();
    assert_eq!((sent.iter().map(|head| head.seq).collect::<Vec<_>>(), others), (vec![1, 2], 0));
    assert!(sent.iter().all(|head| key.signed(head)));
    assert_eq!(heads::read(&heads::file_in(folder.path())).unwrap().0, sent);
}

/// A pipe that nobody reads is a mount that hangs: opening it never ends.
#[tokio::test]
async fn a_sink_that_hangs_holds_up_nothing() {
    let database = ::store::testing::database().await;
    let pool = database.pool_of(Role::Audit);
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let settings = Settings { sink: Some(pipe.clone()), ..Settings::in_folder(folder.path()) };
    let (clock, _) = Clock::settable(T0);
    let (audit, upkeep) = Audit::open(pool, clock, Keyring::for_tests(), &settings).unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let upkeep = tokio::spawn(upkeep.run(stop.clone()));
    let db = database.pool().get().await.unwrap();
    let begun = std::time::Instant::now();
    for links in 1..=2 {
        audit.record(record(T0)).await.unwrap();
        let sealed =
            format!("SELECT count(*) FROM audit_links HAVING count(*) = {links} AND EXISTS (SELECT FROM audit_heads)");
        while db.query_opt(&sealed, &[]).await.unwrap().is_none() {
            assert!(begun.elapsed().as_secs() < 60, "link {links} waits for the sink");
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    }
    stop.cancel();
    tokio::time::timeout(std::time::Duration::from_secs(60), upkeep).await.expect("it stops").unwrap();
    let signed = heads::read(&heads::file_in(folder.path())).unwrap().0;
    assert_eq!(signed.last().unwrap().seq, 2, "its end is signed though the sink hangs");
    // Whoever waits in the pipe is let go.
    let told = tokio::task::spawn_blocking(move || std::fs::read_to_string(&pipe).unwrap()).await.unwrap();
    assert_eq!(told.trim(), serde_json::to_string(&signed[0]).unwrap());
}

/// Cut off in the middle of a line by a crash here, by a write that failed outside: neither is a finding.
#[test]
fn a_line_that_was_cut_is_no_head_and_no_finding() {
    let folder = tempfile::tempdir().unwrap();
    let signer = Signer::open(&folder.path().join("signing.key")).unwrap();
    let place = |seq| chain::Place { stream: uuid::Uuid::nil(), seq, hash: [7; 32] };
    let [one, two] = [1, 2].map(|seq| serde_json::to_string(&signer.sign(place(seq), T0)).unwrap());
    let file = folder.path().join("heads");
    std::fs::write(&file, format!("{one}\n\n{}\n{two}\n", &two[..two.len() - 5])).unwrap();
    let (heads, others) = heads::read(&file).unwrap();
    assert_eq!((heads.len(), others), (2, 0));
    std::fs::write(&file, format!("{one}\n{}\n", &two[..two.len() - 5])).unwrap();
    assert_eq!(heads::read(&file).unwrap().1, 1, "nothing says that it came whole");

    std::fs::write(&file, format!("{one}\n{}", &two[..two.len() - 5])).unwrap();
    let last = heads::last_in(&file, &signer.public_key()).unwrap();
    assert_eq!(last.map(|head| head.seq), Some(1));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{one}\n"));
}

/// Somebody cut the spool: what is left is given, and it is not asked for the rest for ever.
#[test]
fn a_spool_that_became_shorter_comes_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = Spool::open(folder.path()).unwrap();
    spool.append(&[record(T0)]).unwrap();
    let one = std::fs::metadata(folder.path().join("events.spool")).unwrap().len();
    spool.append(&[record(T0)]).unwrap();
    std::fs::OpenOptions::new().write(true).open(folder.path().join("events.spool")).unwrap().set_len(one).unwrap();
    let (records, end) = spool.next(200).unwrap();
    assert_eq!(records.len(), 1);
    spool.drained(end).unwrap();
    assert!(spool.is_empty());
}
