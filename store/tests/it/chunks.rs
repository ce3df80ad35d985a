//! With 400 chunks of a day, no statement of the hot path opens one outside its range. What is opened is what is locked,
//! by the planner as well as by the executor.

use std::collections::BTreeSet;

use store::frames::{last_at, received_between};
use store::telemetry::{Batch, Conflict, Connection};
use store::testing::{TestDatabase, database};
use store::{Role, alarms, clocks, minutes, recall, roster, series, statuses};
use vitals::{DeviceKey, Flags, Frame, OtherReading, Parameter, Quarantined, Reason, Timestamp};

use crate::charts::frame;

/// The end of the youngest day.
const NOW: Timestamp = Timestamp::from_millis(20_000 * DAY_MS);

const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

const CHUNKS: usize = 400;

/// PostgreSQL plans anew five times before it may keep a plan for all parameters.
const OFTEN: usize = 8;

/// (hypertable, start, end) of the chunks that this transaction holds a lock on.
const OPENED: &str = "SELECT hypertable_name::text, (extract(epoch FROM range_start) * 1000)::int8,
        (extract(epoch FROM range_end) * 1000)::int8
    FROM timescaledb_information.chunks JOIN pg_locks
        ON relation = format('%I.%I', chunk_schema, chunk_name)::regclass AND pid = pg_backend_pid()
    GROUP BY 1, 2, 3";

fn ago(days: i64, hours: i64) -> Timestamp {
    NOW.plus_millis(-days * DAY_MS - hours * HOUR_MS)
}

/// Two beds that spoke at noon of each of 400 days, in a database that would rather keep a plan for all parameters.
async fn old_ward() -> TestDatabase {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    for name in ["bed-1", "bed-2"] {
        roster::enrol(&client, &crate::rosters::bed(name)).await.unwrap();
    }
    let noons = format!(
        "generate_series(0, {CHUNKS} - 1) day, LATERAL (SELECT to_timestamp({} - (day + 0.5) * 86400) AS at) noon",
        NOW.millis() / 1_000
    );
    client
        .batch_execute(&format!(
            "INSERT INTO vitals (at, received_at, device_key, flags, hr) SELECT at, at, key, 3, 70 FROM {noons}, devices;
            INSERT INTO readings_other SELECT key, 'cvp', at, 8, NULL FROM {noons}, devices;
            INSERT INTO vitals_minute (device_key, minute, hr_n, hr_min, hr_max, hr_mean, hr_last)
                SELECT key, at, 1, 70, 70, 70, 70 FROM {noons}, devices;
            ANALYZE;
            DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET plan_cache_mode = force_generic_plan', current_database()); END $$"
        ))
        .await
        .unwrap();
    let chunks = "SELECT count(*) FROM timescaledb_information.chunks WHERE hypertable_name = $1";
    for hypertable in ["vitals", "readings_other"] {
        let found: i64 = client.query_one(chunks, &[&hypertable]).await.unwrap().get(0);
        assert_eq!(found, CHUNKS as i64, "{hypertable}");
    }
    db
}

/// Every chunk that was opened touches one of these spans, and every span is touched.
fn assert_within(what: &str, opened: &[(String, i64, i64)], spans: &[(&str, Timestamp, Timestamp)]) {
    let touches = |(hypertable, start, end): &(String, i64, i64), span: &(&str, Timestamp, Timestamp)| {
        hypertable == span.0 && *start <= span.2.millis() && span.1.millis() < *end
    };
    let strangers: Vec<_> = opened.iter().filter(|chunk| !spans.iter().any(|span| touches(chunk, span))).collect();
    assert!(
        strangers.is_empty(),
        "{what} opens {} chunks outside its range, {:?} first",
        strangers.len(),
        strangers[0]
    );
    for span in spans {
        assert!(opened.iter().any(|chunk| touches(chunk, span)), "{what} reads nothing of {span:?}");
    }
}

/// Runs it often, each time in a transaction of its own on the same pooled connection.
macro_rules! opens_only {
    ($client:ident, $what:literal, $spans:expr, |$db:ident| $run:expr) => {
        for _ in 0..OFTEN {
            let $db = $client.transaction().await.unwrap();
            $run.await.unwrap();
            let opened: Vec<_> = $db.query(OPENED, &[]).await.unwrap().iter().map(chunk).collect();
            assert_within($what, &opened, $spans);
            $db.rollback().await.unwrap();
        }
    };
}

fn chunk(row: &store::Row) -> (String, i64, i64) {
    (row.get(0), row.get(1), row.get(2))
}

#[tokio::test]
async fn reading_opens_no_chunk_outside_its_range() {
    let db = old_ward().await;
    // A connection that was made after the database's default was set.
    let pool = db.access().pool(Role::Owner, 1).unwrap();
    let mut client = pool.get().await.unwrap();
    let (bed, noon) = (DeviceKey(1), ago(200, 12));

    opens_only!(client, "a chart of frames", &[("vitals", noon, noon.plus_millis(HOUR_MS))], |tx| series::buckets(
        &tx,
        bed,
        noon,
        noon.plus_millis(HOUR_MS),
        5_000
    ));
    client
        .execute("INSERT INTO vitals_dirty VALUES (1, to_timestamp($1::int8 / 1000))", &[&noon.millis()])
        .await
        .unwrap();
    opens_only!(
        client,
        "a chart of minutes",
        &[("vitals", noon, noon.plus_millis(HOUR_MS)), ("vitals_minute", noon, noon.plus_millis(HOUR_MS))],
        |tx| series::buckets(&tx, bed, noon, noon.plus_millis(HOUR_MS), 60_000)
    );
    // A mark of today beside that of half a year ago.
    let today = ago(0, 12);
    client
        .execute("INSERT INTO vitals_dirty VALUES (1, to_timestamp($1::int8 / 1000))", &[&today.millis()])
        .await
        .unwrap();
    opens_only!(client, "the roll-up", &[("vitals", noon, noon), ("vitals_minute", noon, noon)], |tx| {
        minutes::recompute(&tx, NOW, 1_000)
    });

    let from = today.plus_millis(-30_000);
    opens_only!(client, "a replay", &[("vitals", from.plus_millis(-DAY_MS), today)], |tx| received_between(
        &tx,
        |_| Some(from),
        today
    ));
    clocks::save(&client, &[(DeviceKey(2), 100 * DAY_MS * 1_000)], NOW).await.unwrap();
    let slow = (from.plus_millis(-101 * DAY_MS), from.plus_millis(-100 * DAY_MS));
    opens_only!(
        client,
        "a replay with a clock that is slow by a hundred days",
        &[("vitals", from.plus_millis(-DAY_MS), today), ("vitals", slow.0, slow.1)],
        |tx| received_between(&tx, |_| Some(from), today)
    );
    opens_only!(
        client,
        "recalling minutes",
        &[("vitals", from.plus_millis(-DAY_MS), today), ("vitals", slow.0, slow.1)],
        |tx| recall::recall(&tx, from, today)
    );

    alarms::begin_epoch(&client, ago(300, 0)).await.unwrap();
    opens_only!(client, "the moment of a crash", &[("vitals", ago(2, 0), NOW)], |tx| alarms::last_stop(&tx, NOW));
    opens_only!(client, "alarms", &[], |tx| alarms::touching(&tx, ago(300, 0)));
    opens_only!(client, "statuses", &[], |tx| statuses::load(&tx));
    opens_only!(client, "clocks", &[], |tx| clocks::load(&tx));
    opens_only!(client, "a look-up of a device", &[], |tx| roster::find(&tx, "bed-1"));
}

/// What one transaction of a writer stores.
struct Parts<'a> {
    fresh: &'a [Frame],
    merge: &'a [Frame],
    others: &'a [OtherReading],
}

/// Stores them often by the writer's own connection; answers the chunks that its transactions had opened at their ends.
async fn opened_by_storing(db: &TestDatabase, parts: &[Parts<'_>]) -> Vec<(String, i64, i64)> {
    let client = db.pool().get().await.unwrap();
    // A deferred trigger runs when everything is done and nothing is released.
    client
        .batch_execute(&format!(
            "CREATE TABLE opened (hypertable text, range_start int8, range_end int8);
            CREATE OR REPLACE FUNCTION note_opened() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN INSERT INTO opened {OPENED}; RETURN NULL; END $$;
            CREATE CONSTRAINT TRIGGER notes AFTER INSERT ON vitals_dirty DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION note_opened()"
        ))
        .await
        .unwrap();
    let mut writer = Connection::open(&db.pool(), "test").await.unwrap();
    let conflict = |device, what: Conflict<'_>| {
        let at = match what {
            Conflict::Frames(frames) => frames[0].at,
            Conflict::Others(others) => others[0].at,
        };
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&at.micros().to_be_bytes());
        let (topic, reason, detail) = (String::new(), Reason::Conflict, String::new());
        vec![Quarantined { device, topic, reason, detail, payload: Vec::new(), digest, received_at: at }]
    };
    for Parts { fresh, merge, others } in parts {
        let batch = Batch {
            fresh: &fresh.iter().collect::<Vec<_>>(),
            merge: &merge.iter().collect::<Vec<_>>(),
            dirty: &[(DeviceKey(1), NOW)],
            others,
            quarantined: &[],
            statuses: &[(DeviceKey(1), bytes::Bytes::from_static(b"{}"), NOW)],
            seal: &|_| Vec::new(),
            conflict: &conflict,
        };
        let found = writer.store(&batch).await.unwrap();
        assert_eq!(found as usize, merge.len() + others.len(), "all of them differ from what is stored");
    }
    let opened = client.query("SELECT DISTINCT * FROM opened", &[]).await.unwrap().iter().map(chunk).collect();
    client.batch_execute("DROP TRIGGER notes ON vitals_dirty; DROP TABLE opened").await.unwrap();
    opened
}

#[tokio::test]
async fn writing_opens_no_chunk_outside_its_range() {
    let db = old_ward().await;
    let [today, last_week, half_a_year] = [0, 7, 200].map(|days| ago(days, 12));
    let hr = |at, value| Frame { flags: Flags::LIVE, ..frame(at, &[(Parameter::Hr, value)]) };
    let other = |at| OtherReading { device: DeviceKey(1), code: "cvp".to_owned(), at, value: 9.0, unit: None };

    // Fresh rows of today, a backlog of half a year ago and a repetition of last week, in one batch.
    let fresh: Vec<_> = (1..=OFTEN as i64).map(|second| hr(today.plus_millis(second * 1_000), 71.0)).collect();
    let merge = [hr(half_a_year, 71.0), hr(last_week, 71.0)];
    let others = [half_a_year, last_week].map(other);
    let parts: Vec<_> = fresh.chunks(1).map(|fresh| Parts { fresh, merge: &merge, others: &others }).collect();
    let opened = opened_by_storing(&db, &parts).await;
    let spans = [today, last_week, half_a_year].map(|at| ("vitals", at, at));
    let other_spans = [last_week, half_a_year].map(|at| ("readings_other", at, at));
    assert_within("a writer", &opened, &[&spans[..], &other_spans].concat());
    let chunks: BTreeSet<_> = opened.iter().collect();
    assert_eq!(chunks.len(), 5);

    let writer = Connection::open(&db.pool(), "test").await.unwrap();
    for _ in 0..OFTEN {
        writer.client().batch_execute("BEGIN").await.unwrap();
        last_at(writer.client(), &[DeviceKey(1), DeviceKey(2)], ago(1, 0)).await.unwrap();
        let opened: Vec<_> = writer.client().query(OPENED, &[]).await.unwrap().iter().map(chunk).collect();
        assert_within("a look-up of the newest moment", &opened, &[("vitals", ago(1, 0), NOW)]);
        writer.client().batch_execute("ROLLBACK").await.unwrap();
    }
}
