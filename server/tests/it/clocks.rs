//! Clocks lie; a bed is never muted by one (design §4.1).

use std::time::Duration;

use store::testing::database;
use vitals::{Clock, Timestamp};

use super::mqtt::Device;
use super::vigil::{Site, count};

/// Sends at twice the pace of a monitor; event time is what `at` makes of the true time.
async fn page_with(at: impl Fn(Timestamp, u32) -> Timestamp, alarm: &str) {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    // Desaturation to 70 % has no onset delay; a stepped clock needs ten seconds to be understood.
    for number in 0..60 {
        let now = Clock::system().now();
        device.stores(&format!(r#"{{"t":"{}","spo2":70,"hr":75}}"#, at(now, number))).await;
        if vigil.alarms().await.contains(&("bed-1".to_owned(), alarm.to_owned())) {
            return;
        }
        // The pace of the device, not a wait for the server.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the bed was muted: {:?}, {} rows", vigil.alarms().await, count(&db, "SELECT count(*) FROM vitals").await);
}

#[tokio::test]
async fn a_clock_that_is_right_pages() {
    page_with(|now, _| now, "spo2_desat").await;
}

#[tokio::test]
async fn a_fast_clock_pages() {
    page_with(|now, _| now.plus_millis(90_000), "spo2_desat").await;
}

#[tokio::test]
async fn a_clock_an_hour_ahead_pages_and_is_named() {
    page_with(|now, _| now.plus_millis(3_600_000), "spo2_desat").await;
    page_with(|now, _| now.plus_millis(3_600_000), "clock").await;
}

#[tokio::test]
async fn a_slow_clock_pages() {
    page_with(|now, _| now.plus_millis(-3_600_000), "spo2_desat").await;
}

#[tokio::test]
async fn a_clock_that_steps_back_pages() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    let frame = |at: Timestamp, spo2: u8| format!(r#"{{"t":"{at}","spo2":{spo2},"hr":75}}"#);
    device.stores(&frame(Clock::system().now(), 97)).await;
    let wanted = ("bed-1".to_owned(), "spo2_desat".to_owned());
    for _ in 0..60 {
        device.stores(&frame(Clock::system().now().plus_millis(-600_000), 70)).await;
        if vigil.alarms().await.contains(&wanted) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    panic!("the bed was muted: {:?}", vigil.alarms().await);
}

#[tokio::test]
async fn one_frame_from_2036_freezes_nothing() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    device.stores(r#"{"t":"2036-01-01T00:00:00Z","spo2":97}"#).await;
    assert_eq!(count(&db, "SELECT count(*) FROM quarantine WHERE reason = 'future'").await, 1);
    device.stores(&format!(r#"{{"t":"{}","spo2":70}}"#, Clock::system().now())).await;
    vigil.alarm_comes("bed-1", "spo2_desat").await;
    vigil.alarm_comes("bed-1", "clock").await;
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, 1);
}

#[tokio::test]
async fn a_timer_outlives_a_restart_and_does_not_begin_anew() {
    // SpO2 below 90 % pages after ten seconds (alerting/profiles/adult.toml); the restart comes after eight of them.
    const BEFORE: u32 = 8;
    const ONSET: u32 = 10;
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    let frame = || format!(r#"{{"t":"{}","spo2":86,"hr":75}}"#, Clock::system().now());
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    for _ in 0..=BEFORE {
        beat.tick().await;
        device.stores(&frame()).await;
    }
    assert!(vigil.alarms().await.is_empty());
    vigil.kill();
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    beat.reset();
    for after in 0..2 * ONSET {
        device.stores(&frame()).await;
        if vigil.alarms().await.iter().any(|(_, code)| code == "spo2_low") {
            // One second of slack for the beat and one for the tick: a timer that began anew would need all ten.
            assert!(BEFORE + after <= ONSET + 2, "raised only {after} s after the restart");
            return;
        }
        beat.tick().await;
    }
    panic!("the alarm never came: {:?}", vigil.alarms().await);
}
