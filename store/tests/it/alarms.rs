use std::sync::Arc;

use store::alarms::{active, after, begin_epoch, end_crashed, end_epoch, last_stop, page, runs, save};
use store::roster::enrol;
use store::testing::{TestDatabase, database};
use vitals::{
    AlarmId, Bound, Condition, DeviceKey, Flags, Frame, Parameter, Priority, RuleVersion, Timestamp, Transition,
    Values, What,
};

use crate::rosters::bed;

const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

fn limit() -> Arc<RuleVersion> {
    let condition = Condition::Limit {
        parameter: Parameter::Temp,
        bound: Bound::Upper,
        limit: 39.1,
        onset_ms: 10_000,
        dead_band: 0.3,
    };
    Arc::new(RuleVersion::new("temp_high", Priority::Medium, condition))
}

fn system() -> Arc<RuleVersion> {
    Arc::new(RuleVersion::new("database_away", Priority::High, Condition::System))
}

/// The transition `seq` seconds after the start, of the alarm that began `onset` seconds after it.
fn step(seq: i64, device: Option<DeviceKey>, rule: &Arc<RuleVersion>, onset: i64, what: What) -> Transition {
    let onset_at = START.plus_millis(onset * 1_000);
    let at = START.plus_millis(seq * 1_000);
    Transition {
        epoch: 1,
        seq,
        alarm: AlarmId::derive(device, rule.id, onset_at),
        device,
        rule: rule.clone(),
        what,
        at,
        received_at: at.plus_millis(40),
        onset_at,
        value: (!rule.technical()).then_some(39.0 + seq as f32),
    }
}

async fn story(db: &TestDatabase) -> Vec<Transition> {
    let key = enrol(&db.pool().get().await.unwrap(), &bed("bed-1")).await.unwrap();
    vec![
        step(1, Some(key), &limit(), 0, What::Raised),
        step(2, Some(key), &limit(), 0, What::Updated),
        step(3, None, &system(), 3, What::Raised),
        step(4, Some(key), &limit(), 0, What::Cleared),
        step(5, Some(key), &limit(), 5, What::Raised),
    ]
}

#[tokio::test]
async fn alarms_read_back_as_they_were_told() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let told = story(&db).await;
    save(&client, &told).await.unwrap();

    let all = page(&client, None, false, 10).await.unwrap();
    assert_eq!(all.iter().map(|alarm| alarm.id).collect::<Vec<_>>(), [told[4].alarm, told[2].alarm, told[0].alarm]);
    let [_, system, ended] = &all[..] else { panic!("three alarms") };
    assert_eq!((ended.rule.as_ref(), ended.device), (told[0].rule.as_ref(), told[0].device));
    assert_eq!((ended.onset_at, ended.raised_at), (told[0].onset_at, told[0].at));
    assert_eq!((ended.ended_at, ended.value), (Some(told[3].at), told[3].value));
    assert_eq!((system.device, &system.rule.condition, system.value), (None, &Condition::System, None));

    assert_eq!(active(&client).await.unwrap(), all[..2]);
    assert_eq!(page(&client, None, true, 10).await.unwrap(), all[..2]);
    assert_eq!(page(&client, Some((all[0].raised_at, all[0].id)), false, 1).await.unwrap(), all[1..2]);
}

#[tokio::test]
async fn alarms_of_one_moment_fall_on_one_page_each() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let mut told = story(&db).await;
    for transition in &mut told {
        transition.at = START;
    }
    save(&client, &told).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    while let Some(alarm) = page(&client, cursor, false, 1).await.unwrap().pop() {
        cursor = Some((alarm.raised_at, alarm.id));
        seen.push(alarm.id);
    }
    let mut expected = [told[0].alarm, told[2].alarm, told[4].alarm];
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn saving_again_whole_or_in_parts_changes_no_row() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let told = story(&db).await;
    save(&client, &told).await.unwrap();
    let alarms = page(&client, None, false, 10).await.unwrap();
    let steps = after(&client, 0, 0, 100).await.unwrap();
    save(&client, &told).await.unwrap();
    for transition in &told {
        save(&client, std::slice::from_ref(transition)).await.unwrap();
    }
    save(&client, &[]).await.unwrap();
    assert_eq!(page(&client, None, false, 10).await.unwrap(), alarms);
    assert_eq!(after(&client, 0, 0, 100).await.unwrap(), steps);
}

#[tokio::test]
async fn a_resume_token_gives_exactly_what_came_after_it() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let mut told = story(&db).await;
    told[4].epoch = 2;
    told[4].seq = 1;
    save(&client, &told).await.unwrap();
    let tokens = async |epoch, seq, limit| {
        let steps = after(&client, epoch, seq, limit).await.unwrap();
        steps.iter().map(|(step, alarm)| (step.epoch, step.seq, step.what, alarm.id)).collect::<Vec<_>>()
    };
    let all: Vec<_> = told.iter().map(|step| (step.epoch, step.seq, step.what, step.alarm)).collect();
    assert_eq!(tokens(0, 0, 100).await, all);
    assert_eq!(tokens(1, 3, 100).await, all[3..]);
    assert_eq!(tokens(1, 1, 2).await, all[1..3]);
    assert_eq!(tokens(2, 1, 100).await, []);
}

#[tokio::test]
async fn an_unknown_device_keeps_the_whole_batch_out() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let mut told = story(&db).await;
    told.push(step(6, Some(DeviceKey(999)), &limit(), 6, What::Raised));
    let refusal = save(&client, &told).await.unwrap_err();
    assert!(refusal.blames_row());
    assert_eq!(after(&client, 0, 0, 100).await.unwrap(), []);
}

/// Of a device of its own, measured so long before it was received.
async fn heard(db: &TestDatabase, name: &str, received_at: Timestamp, lag_ms: i64) {
    let key = enrol(&db.pool().get().await.unwrap(), &bed(name)).await.unwrap();
    let frame = Frame {
        device: key,
        at: received_at.plus_millis(-lag_ms),
        received_at,
        seq: None,
        flags: Flags::LIVE,
        values: Values::default(),
        marks: Vec::new(),
    };
    crate::charts::store(db, &[frame]).await;
}

const HOUR_MS: i64 = 3_600_000;

#[tokio::test]
async fn the_last_stop_is_what_the_engine_said_or_the_last_frame_of_a_crash() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let now = START.plus_millis(120_000);
    assert_eq!(last_stop(&client, now).await.unwrap(), None);
    let first = begin_epoch(&client, START).await.unwrap();
    assert_eq!(last_stop(&client, now).await.unwrap(), Some(START), "nothing was heard");
    let stopped = START.plus_millis(60_000);
    end_epoch(&client, first, stopped).await.unwrap();
    assert_eq!(last_stop(&client, now).await.unwrap(), Some(stopped));

    let second = begin_epoch(&client, stopped.plus_millis(1_000)).await.unwrap();
    assert!(second > first);
    let last = stopped.plus_millis(30_000);
    heard(&db, "bed-1", last, HOUR_MS).await;
    assert_eq!(last_stop(&client, now).await.unwrap(), Some(last));

    // Written down once, it stays, whatever is received afterwards; the end of one that stopped is not touched.
    end_crashed(&client, last).await.unwrap();
    end_crashed(&client, now).await.unwrap();
    heard(&db, "bed-2", last.plus_millis(10_000), 0).await;
    assert_eq!(last_stop(&client, now).await.unwrap(), Some(last));
    begin_epoch(&client, now).await.unwrap();
    let begun = runs(&client, START).await.unwrap();
    assert_eq!(begun, [(START, None), (stopped.plus_millis(1_000), Some(stopped)), (now, Some(last))]);
}

#[tokio::test]
async fn the_last_frame_is_found_however_long_ago_the_crash_was_and_whoever_sent_it() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let ago = |hours: i64| START.plus_millis(-hours * HOUR_MS);
    begin_epoch(&client, ago(300 * 24)).await.unwrap();
    assert_eq!(last_stop(&client, START).await.unwrap(), Some(ago(300 * 24)), "nothing was heard");
    heard(&db, "bed-1", ago(250), 0).await;
    assert_eq!(last_stop(&client, START).await.unwrap(), Some(ago(250)));
    heard(&db, "bed-2", ago(46), 0).await;
    assert_eq!(last_stop(&client, START).await.unwrap(), Some(ago(46)));
    // Later, by a device whose clock is nearly a day behind: its row lies further back than the other's.
    heard(&db, "bed-3", ago(32), 23 * HOUR_MS).await;
    assert_eq!(last_stop(&client, START).await.unwrap(), Some(ago(32)));
}

/// Whose alarm it is decides who may see it; known by who had the device on at its onset, whoever has it on later.
#[tokio::test]
async fn an_alarm_is_about_whoever_had_the_device_on_at_its_onset() {
    let db = crate::schema::ward().await;
    let admin = crate::schema::admin(&db).await;
    let put_on = "UPDATE device_assignments SET during = tstzrange(to_timestamp(1790000000) - interval '1 hour', to_timestamp(1790000000) + interval '4 s')
        WHERE id = @assigned";
    crate::schema::run(&admin, put_on).await.unwrap();
    let device = Some(DeviceKey(1));
    let told = [
        step(1, device, &limit(), 0, What::Raised),
        step(2, None, &system(), 3, What::Raised),
        step(3, device, &limit(), 5, What::Raised),
        step(6, device, &limit(), 0, What::Cleared),
    ];
    save(&db.pool_of(store::Role::Alerting).get().await.unwrap(), &told).await.unwrap();
    let about = "SELECT patient_id = @pat AND encounter_id = @stay AND known_assignment_id = @assigned FROM alarms
        WHERE onset_at >= to_timestamp(1790000000) ORDER BY onset_at";
    let rows = admin.query(&crate::schema::named(about), &[]).await.unwrap();
    let about: Vec<Option<bool>> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(about, [Some(true), None, None]);
}
