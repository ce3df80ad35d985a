//! With a real database: what is told is stored once, and a restart changes nothing (P8).

use store::roster::revoke;
use vitals::{Frame, What};

use crate::server::Cell;
use crate::ward::{hr, sec};

/// Heart rate each second of `seconds`.
pub(crate) fn beats(cell: &Cell, seconds: std::ops::Range<i32>, value: f32) -> Vec<Frame> {
    seconds.map(|second| Frame { device: cell.bed, ..hr(f64::from(second), value) }).collect()
}

#[tokio::test]
async fn an_alarm_is_told_at_once_and_stored_with_its_place() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    engine.alerting.judge(&beats(&cell, 0..10, 130.0));
    engine.alerting.judge(&beats(&cell, 10..11, 100.0));
    // Told in the caller's thread, before anything is stored.
    assert_eq!(engine.told(), ["hr_high raised", "hr_high cleared"]);
    let places: Vec<_> = engine.told.lock().iter().map(|told| (told.epoch, told.seq)).collect();
    assert_eq!((places[0].0, places[0].1, places[1].1), (engine.alerting.position().0, 1, 2));
    cell.table_becomes(&["hr_high 0 6 10 130"]).await;
    let client = cell.db.pool().get().await.unwrap();
    let stored = store::alarms::after(&client, places[0].0, 0, 10).await.unwrap();
    let stored: Vec<_> = stored.iter().map(|(told, _)| (told.seq, told.what, told.at)).collect();
    assert_eq!(stored, [(1, What::Raised, sec(6.0)), (2, What::Cleared, sec(10.0))]);
    engine.stop().await;
}

#[tokio::test]
async fn time_alone_raises_an_alarm() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    engine.alerting.judge(&beats(&cell, 0..1, 130.0));
    assert_eq!(engine.told(), [] as [&str; 0]);
    cell.at(11.0);
    engine.tells(&["hr_high raised", "no_data raised"]).await;
    assert_eq!(engine.alerting.active().len(), 2);
    cell.table_becomes(&["hr_high 0 6 - 130", "no_data 0 10 -"]).await;
    engine.stop().await;
}

#[tokio::test]
async fn five_of_six_seconds_before_a_restart_leave_one_after_it() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    let before = beats(&cell, 0..5, 130.0);
    engine.alerting.judge(&before);
    cell.stores(&before).await;
    cell.at(5.0);
    engine.stop().await;
    cell.at(100.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), [] as [&str; 0]);
    cell.at(101.5);
    engine.tells(&["hr_high raised"]).await;
    cell.table_becomes(&["hr_high 0 101 - 130"]).await;
    engine.stop().await;
}

#[tokio::test]
async fn an_active_alarm_is_neither_raised_twice_nor_forgotten() {
    let cell = Cell::new().await;
    let mut engine = cell.start().await;
    let before = beats(&cell, 0..10, 130.0);
    engine.alerting.judge(&before);
    cell.stores(&before).await;
    cell.at(10.0);
    // At last the frames that raised it are older than what is replayed.
    for start in [20, 30, 2_000] {
        engine.stop().await;
        cell.at(f64::from(start));
        engine = cell.start().await;
        let active: Vec<_> = engine.alerting.active().iter().map(|told| (told.what, told.onset_at)).collect();
        assert_eq!(active, [(What::Raised, sec(0.0))]);
        let still = beats(&cell, start..start + 1, 125.0);
        engine.alerting.judge(&still);
        cell.stores(&still).await;
        assert_eq!(engine.told(), [] as [&str; 0]);
    }
    engine.alerting.judge(&beats(&cell, 2_001..2_002, 80.0));
    assert_eq!(engine.told(), ["hr_high cleared"]);
    cell.table_becomes(&["hr_high 0 6 2001 130"]).await;
    engine.stop().await;
}

#[tokio::test]
async fn what_a_crash_kept_from_the_table_is_told_after_it_under_the_same_key() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    cell.runs("ALTER TABLE alarms RENAME TO alarms_away").await;
    let before = [beats(&cell, 0..10, 130.0), beats(&cell, 10..12, 80.0)].concat();
    engine.alerting.judge(&before);
    cell.stores(&before).await;
    let lost: Vec<_> = engine.told.lock().iter().map(|told| told.alarm).collect();
    engine.crash();
    cell.runs("ALTER TABLE alarms_away RENAME TO alarms").await;
    cell.at(20.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), ["hr_high raised", "hr_high cleared"]);
    assert_eq!(engine.told.lock().iter().map(|told| told.alarm).collect::<Vec<_>>(), lost);
    cell.table_becomes(&["hr_high 0 6 10 130"]).await;
    engine.stop().await;
}

#[tokio::test]
async fn alarms_go_on_without_the_database_and_reach_it_afterwards() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    cell.runs("ALTER TABLE alarms RENAME TO alarms_away").await;
    engine.alerting.system("database_away", true, sec(0.0));
    engine.alerting.judge(&beats(&cell, 0..10, 130.0));
    engine.alerting.system("database_away", false, sec(9.5));
    engine.alerting.judge(&beats(&cell, 10..11, 80.0));
    let told = ["database_away raised", "hr_high raised", "database_away cleared", "hr_high cleared"];
    assert_eq!(engine.told(), told);
    cell.runs("ALTER TABLE alarms_away RENAME TO alarms").await;
    cell.table_becomes(&["database_away 0 0 9.5", "hr_high 0 6 10 130"]).await;
    engine.stop().await;
}

/// What several runs told as it happened, with stops and crashes, is what one replay of the tables tells: of a home device
/// with no alarm known, since it is read whole.
#[tokio::test]
async fn a_recorded_stream_replays_to_the_identical_table_across_restarts() {
    recorded("home", 0.0).await;
}

/// Of a bedside device what was raised before the last minute of running is known from the table.
#[tokio::test]
async fn the_last_minute_of_a_recorded_stream_replays_to_the_identical_table() {
    recorded("bedside", 180.0).await;
}

async fn recorded(profile: &str, lost_since: f64) {
    let cell = Cell::new().await;
    cell.runs(&format!("UPDATE devices SET profile = '{profile}'")).await;
    cell.follows_roster().await;
    let mut engine = cell.start().await;
    // By second of run time; the engine goes down in the middle of a delay, of an alarm, and before a delay is denied.
    let value = |second: i32| match second {
        8..30 | 47..70 | 90..94 | 120..140 => 130.0 + second as f32 % 7.0,
        _ => 80.0,
    };
    let mut down = 0;
    for second in 0..160 {
        let now = second + down;
        let frames = beats(&cell, now..now + 1, value(second));
        cell.at(f64::from(now));
        engine.alerting.judge(&frames);
        cell.stores(&frames).await;
        match second {
            10 | 50 => engine.stop().await,
            60 | 92 => engine.crash(),
            _ => continue,
        }
        down += 20;
        cell.at(f64::from(second + down));
        engine = cell.start().await;
    }
    engine.stop().await;
    let expected = ["hr_high 8 34 50 136", "hr_high 67 93 130 136", "hr_high 200 206 220 136"];
    assert_eq!(cell.table().await, expected);
    cell.runs("ALTER TABLE alarm_transitions DISABLE TRIGGER append_only").await;
    let lost = format!("raised_at >= to_timestamp({})", sec(lost_since).millis() / 1_000);
    cell.runs(&format!(
        "DELETE FROM alarm_transitions WHERE alarm_id IN (SELECT id FROM alarms WHERE {lost});
        DELETE FROM alarms WHERE {lost}"
    ))
    .await;
    assert!(cell.table().await.len() < expected.len());
    let engine = cell.start().await;
    engine.stop().await;
    assert_eq!(cell.table().await, expected);
}

#[tokio::test]
async fn a_revoked_device_is_watched_no_more() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    engine.alerting.judge(&beats(&cell, 0..10, 130.0));
    revoke(&cell.db.pool().get().await.unwrap(), "bed-01").await.unwrap();
    cell.at(15.0);
    cell.follows_roster().await;
    engine.tells(&["hr_high raised", "hr_high cleared"]).await;
    cell.at(500.0);
    engine.stop().await;
    assert_eq!(cell.table().await, ["hr_high 0 6 15 130"]);
}

#[tokio::test]
async fn an_alarm_of_a_rule_that_is_gone_ends_with_the_restart() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    let before = beats(&cell, 0..10, 130.0);
    engine.alerting.judge(&before);
    cell.stores(&before).await;
    cell.at(10.0);
    engine.stop().await;
    cell.runs("UPDATE devices SET age_class = 'paediatric'").await;
    cell.follows_roster().await;
    cell.at(20.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), ["hr_high cleared"]);
    cell.table_becomes(&["hr_high 0 6 20 130"]).await;
    engine.stop().await;
}
