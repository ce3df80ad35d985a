//! What the stored frames cannot say: holds, connections, the time in which nobody judged.

use store::roster::revoke;
use vitals::{DeviceKey, DeviceKind, Frame, What};

use crate::database::beats;
use crate::server::Cell;
use crate::ward::{hr, sec};

/// Another bed that goes on at 1 Hz, so that a crash is known to have come at the end of `seconds`.
fn neighbour(device: DeviceKey, seconds: std::ops::Range<i32>) -> Vec<Frame> {
    seconds.map(|second| Frame { device, ..hr(f64::from(second) + 0.001, 80.0) }).collect()
}

#[tokio::test]
async fn two_restarts_without_a_frame_between_them_raise_nothing() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    let before = beats(&cell, 0..3, 130.0);
    engine.alerting.judge(&before);
    cell.stores(&before).await;
    cell.at(3.0);
    engine.stop().await;
    cell.at(100.0);
    let engine = cell.start().await;
    cell.at(101.0);
    engine.stop().await;
    cell.at(200.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), [] as [&str; 0], "four of six seconds have passed");
    cell.at(202.5);
    engine.tells(&["hr_high raised"]).await;
    engine.stop().await;
    assert_eq!(cell.table().await, ["hr_high 0 202 - 130"]);
}

#[tokio::test]
async fn two_crashes_minutes_apart_leave_of_a_delay_what_was_left() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    let before = beats(&cell, 0..3, 130.0);
    engine.alerting.judge(&before);
    cell.stores(&before).await;
    engine.crash();
    cell.at(400.0);
    cell.start().await.crash();
    cell.at(500.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), [] as [&str; 0]);
    cell.at(504.5);
    engine.tells(&["hr_high raised"]).await;
    cell.table_becomes(&["hr_high 0 504 - 130"]).await;
    engine.stop().await;
}

/// Behind a radio that grew slow minutes before the restart: none of the frames that are judged anew came in time.
#[tokio::test]
async fn a_clock_is_known_after_a_restart_by_minutes_that_are_not_judged_anew() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    let beat = |second: i32, late: f64, value| {
        let at = sec(f64::from(second) - late);
        Frame { device: cell.bed, at, ..hr(f64::from(second), value) }
    };
    let in_time = (0..15).map(|second| beat(second, 0.0, 80.0));
    let before: Vec<_> = in_time.chain((15..300).step_by(5).map(|second| beat(second, 8.5, 80.0))).collect();
    engine.alerting.judge(&before);
    cell.stores(&before).await;
    cell.at(300.0);
    engine.stop().await;
    cell.at(310.0);
    let engine = cell.start().await;
    engine.alerting.judge(&(310..320).map(|second| beat(second, 8.5, 130.0)).collect::<Vec<_>>());
    assert_eq!(engine.told(), ["hr_high raised"]);
    cell.table_becomes(&["hr_high 301.5 307.5 - 130"]).await;
    engine.stop().await;
}

#[tokio::test]
async fn a_silence_that_began_where_another_ended_is_told_after_a_crash() {
    let cell = Cell::new().await;
    let other = cell.enrols("bed-02", DeviceKind::Device).await;
    let engine = cell.start().await;
    let (first, second) = (beats(&cell, 0..1, 80.0), beats(&cell, 30..31, 80.0));
    let around = neighbour(other, 0..61);
    let (early, late) = around.split_at(30);
    engine.alerting.judge(&first);
    engine.alerting.judge(early);
    engine.alerting.judge(&second);
    engine.tells(&["no_data raised", "no_data cleared"]).await;
    cell.table_becomes(&["no_data 0 10 30"]).await;
    cell.runs("ALTER TABLE alarms RENAME TO alarms_away").await;
    engine.alerting.judge(late);
    cell.at(60.5);
    engine.tells(&["no_data raised", "no_data cleared", "no_data raised"]).await;
    let lost = engine.told.lock().last().unwrap().alarm;
    engine.crash();
    for frames in [&first, &second, &around] {
        cell.stores(frames).await;
    }
    cell.runs("ALTER TABLE alarms_away RENAME TO alarms").await;
    cell.at(65.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), ["no_data raised"]);
    assert_eq!(engine.told.lock()[0].alarm, lost);
    cell.table_becomes(&["no_data 0 10 30", "no_data 30 40 -"]).await;
    engine.stop().await;
}

/// Holds are not journalled: a replay sees a silence that nobody lived through.
#[tokio::test]
async fn a_held_device_is_not_said_after_a_restart_to_have_been_silent() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    let before = beats(&cell, 0..3, 80.0);
    engine.alerting.judge(&before);
    engine.alerting.hold(cell.bed, true, sec(3.0));
    cell.at(40.0);
    engine.alerting.hold(cell.bed, false, sec(40.0));
    let after = beats(&cell, 40..42, 80.0);
    engine.alerting.judge(&after);
    cell.stores(&before).await;
    cell.stores(&after).await;
    cell.at(42.0);
    assert_eq!(engine.told(), [] as [&str; 0]);
    engine.stop().await;
    cell.at(50.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), [] as [&str; 0]);
    engine.stop().await;
    assert_eq!(cell.table().await, [] as [&str; 0]);
}

#[tokio::test]
async fn a_silence_that_goes_on_over_a_restart_is_told_even_if_it_began_in_a_hold() {
    let cell = Cell::new().await;
    let other = cell.enrols("bed-02", DeviceKind::Device).await;
    let engine = cell.start().await;
    let (bed, around) = (beats(&cell, 0..3, 80.0), neighbour(other, 0..41));
    engine.alerting.judge(&bed);
    engine.alerting.hold(cell.bed, true, sec(3.0));
    engine.alerting.judge(&around);
    cell.stores(&bed).await;
    cell.stores(&around).await;
    cell.at(40.5);
    assert_eq!(engine.told(), [] as [&str; 0]);
    engine.crash();
    cell.at(45.0);
    let engine = cell.start().await;
    assert_eq!(engine.told(), ["no_data raised"]);
    cell.table_becomes(&["no_data 2 12 -"]).await;
    engine.stop().await;
}

#[tokio::test]
async fn only_what_measures_is_missed_when_it_connects_and_never_speaks() {
    let cell = Cell::new().await;
    let gateway = cell.enrols("gateway-1", DeviceKind::Gateway).await;
    let service = cell.enrols("service-1", DeviceKind::Service).await;
    let engine = cell.start().await;
    for device in [gateway, service, cell.bed] {
        engine.alerting.connected(device, true, sec(0.0));
    }
    cell.at(60.0);
    engine.tells(&["no_data raised"]).await;
    let raised: Vec<_> = engine.alerting.active().iter().map(|told| (told.device, told.what)).collect();
    assert_eq!(raised, [(Some(cell.bed), What::Raised)]);
    for device in [gateway, service, cell.bed] {
        engine.alerting.connected(device, false, sec(61.0));
    }
    assert_eq!(engine.told(), ["no_data raised", "no_data cleared"]);
    cell.table_becomes(&["no_data 0 10 61"]).await;
    engine.stop().await;
}

#[tokio::test]
async fn what_a_revoked_device_sends_before_it_is_cut_off_pages_nobody() {
    let cell = Cell::new().await;
    let engine = cell.start().await;
    revoke(&cell.db.pool().get().await.unwrap(), "bed-01").await.unwrap();
    cell.follows_roster().await;
    engine.alerting.connected(cell.bed, true, sec(0.0));
    engine.alerting.judge(&beats(&cell, 0..20, 190.0));
    engine.alerting.hold(cell.bed, true, sec(20.0));
    cell.at(500.0);
    // Stopping looks at the clock a last time.
    engine.stop().await;
    assert_eq!(cell.table().await, [] as [&str; 0]);
}
