use serde_json::{Value, json};
use store::roster;
use vitals::{DeviceKind, Flags, Frame, Parameter, Realm, Validity, Values, What};

use crate::screen::Screen;
use crate::site::{EPOCH, Site, T0, enrol, step};

#[tokio::test]
async fn a_screen_gets_a_snapshot_and_then_what_changes() {
    let site = Site::open().await;
    site.hub.show(&[site.frame(0, Parameter::Hr, 72.0)], 0);
    site.hub.transition(&step(1, Some(site.beds[2]), 1, What::Raised));
    let mut screen = Screen::watching(&site).await;

    let hello = screen.next().await.unwrap();
    assert_eq!((&hello["type"], &hello["heartbeat_ms"]), (&json!("hello"), &json!(1_000)));
    assert_eq!(hello["server_time_ms"], T0.millis());
    let roster = screen.until("roster").await;
    let names: Vec<_> = roster["devices"].as_array().unwrap().iter().map(|device| device["id"].clone()).collect();
    assert_eq!(names, ["bed-01", "bed-02", "bed-03"]);
    let snapshot = screen.until("snapshot").await;
    assert_eq!(snapshot["numbers"].as_array().unwrap().len(), 1);
    assert_eq!(snapshot["numbers"][0]["values"]["hr"]["value"], 72.0);
    assert_eq!((&snapshot["epoch"], &snapshot["seq"], &snapshot["resync"]), (&json!(EPOCH), &json!(1), &json!(false)));
    let alarm = &snapshot["alarms"][0];
    assert_eq!((&alarm["text"], &alarm["priority"]), (&json!("HR 134 > 120"), &json!("medium")));
    assert_eq!((&alarm["device"], &alarm["simulated"]), (&json!("bed-03"), &json!(true)));

    site.hand.advance_ms(1_000);
    site.hub.show(&[site.frame(1, Parameter::Spo2, 97.0)], 0);
    let numbers = screen.until("numbers").await;
    assert_eq!((&numbers["numbers"][0]["device"], numbers["numbers"].as_array().unwrap().len()), (&json!("bed-02"), 1));
    site.hub.transition(&step(2, None, 2, What::Raised));
    let alarm = screen.until("alarm").await;
    assert_eq!((&alarm["what"], &alarm["seq"]), (&json!("raised"), &json!(2)));
    assert_eq!((&alarm["alarm"]["device"], &alarm["alarm"]["text"]), (&Value::Null, &json!("DATABASE AWAY")));
    site.hub.transition(&step(3, Some(site.beds[2]), 1, What::Cleared));
    let alarm = screen.until("alarm").await["alarm"].clone();
    assert_eq!(alarm["ended_at"], json!(T0.plus_millis(13_000)));
    assert_eq!(alarm["raised_at"], json!(T0.plus_millis(11_000)));
    let beat = screen.until("heartbeat").await;
    assert_eq!((&beat["epoch"], &beat["seq"]), (&json!(EPOCH), &json!(3)));
}

#[tokio::test]
async fn age_grows_and_a_lead_off_takes_the_number_away() {
    let site = Site::open().await;
    let mut screen = Screen::watching(&site).await;
    screen.until("snapshot").await;
    let mut late = site.frame(0, Parameter::Hr, 72.0);
    late.at = late.at.plus_millis(-4_000);
    site.hub.show(&[late], 0);
    assert_eq!(screen.until("numbers").await["numbers"][0]["values"]["hr"]["age_ms"], 4_000);
    site.hand.advance_ms(30_000);
    site.hub.show(&[site.frame(0, Parameter::Spo2, 97.0)], 0);
    let values = screen.until("numbers").await["numbers"][0]["values"].clone();
    assert_eq!((&values["hr"]["age_ms"], &values["spo2"]["age_ms"]), (&json!(34_000), &json!(0)));

    let marks = vec![(Parameter::Hr, Validity::LeadOff)];
    site.hub.show(&[Frame { values: Values::default(), marks, ..site.frame(0, Parameter::Hr, 0.0) }], 0);
    let values = screen.until("numbers").await["numbers"][0]["values"].clone();
    assert_eq!((&values["hr"]["value"], &values["hr"]["mark"]), (&Value::Null, &json!("lead_off")));
    assert_eq!(values["spo2"]["value"], 97.0);
}

#[tokio::test]
async fn a_screen_gets_the_numbers_it_watches_and_every_alarm() {
    let site = Site::open().await;
    let mut screen = Screen::connect(&site).await;
    screen.say(&json!({"type": "watch", "devices": ["bed-02", "no-such-bed"], "resume": null})).await;
    screen.until("snapshot").await;
    site.hub.show(&[site.frame(0, Parameter::Hr, 72.0), site.frame(1, Parameter::Hr, 73.0)], 0);
    let back_fill = Frame { flags: Flags::HIST, ..site.frame(1, Parameter::Hr, 99.0) };
    site.hub.show(&[back_fill], 0);
    let numbers = screen.until("numbers").await["numbers"].clone();
    assert_eq!(numbers.as_array().unwrap().len(), 1);
    assert_eq!((&numbers[0]["device"], &numbers[0]["values"]["hr"]["value"]), (&json!("bed-02"), &json!(73.0)));
    site.hub.transition(&step(1, Some(site.beds[0]), 1, What::Raised));
    assert_eq!(screen.until("alarm").await["alarm"]["device"], "bed-01");
    screen.say(&json!({"type": "watch", "devices": ["bed-01"]})).await;
    assert_eq!(screen.until("snapshot").await["numbers"][0]["device"], "bed-01");
}

#[tokio::test]
async fn presence_and_the_roster_follow_without_asking() {
    let site = Site::open().await;
    let mut screen = Screen::watching(&site).await;
    screen.until("snapshot").await;
    site.hub.presence(site.beds[1], true, T0);
    let presence = screen.until("presence").await;
    assert_eq!((&presence["device"], &presence["connected"]), (&json!("bed-02"), &json!(true)));
    let added = enrol(&site.database, "bed-04", DeviceKind::Device, Realm::Live).await;
    assert_eq!(screen.until("roster").await["devices"].as_array().unwrap().len(), 4);
    let frame = Frame { device: added, ..site.frame(0, Parameter::Hr, 60.0) };
    site.hub.show(&[frame], 0);
    assert_eq!(screen.until("numbers").await["numbers"][0]["device"], "bed-04");
    assert!(roster::revoke(&site.database.pool().get().await.unwrap(), "bed-01").await.unwrap());
    let names = screen.until("roster").await["devices"].clone();
    assert!(names.as_array().unwrap().iter().all(|device| device["id"] != "bed-01"));
}

#[tokio::test]
async fn a_device_behind_two_gateways_is_there_until_both_left() {
    let site = Site::open().await;
    let mut screen = Screen::watching(&site).await;
    screen.until("snapshot").await;
    let connected = async || site.json("/api/devices").await["devices"][1]["connected"].clone();
    site.hub.presence(site.beds[1], true, T0);
    site.hub.presence(site.beds[1], true, T0);
    assert_eq!(screen.until("presence").await["connected"], true);
    site.hub.presence(site.beds[1], false, T0);
    assert_eq!(connected().await, true);
    site.hub.presence(site.beds[1], false, T0);
    assert_eq!(connected().await, false);
    assert_eq!(screen.until("presence").await["connected"], false);
}

#[tokio::test]
async fn what_is_no_message_is_answered_and_the_screen_stays() {
    let site = Site::open().await;
    let mut screen = Screen::connect(&site).await;
    for message in [json!(7), json!({"type": "shout"}), json!({"type": "watch", "devices": null, "x": 1})] {
        screen.say(&message).await;
        assert_eq!(screen.until("error").await["code"], "malformed_message");
    }
    let names: Vec<_> = (0..5_000).map(|bed| format!("bed-{bed}")).collect();
    screen.say(&json!({"type": "watch", "devices": names})).await;
    assert_eq!(screen.until("error").await["code"], "too_many_devices");
    screen.say(&json!({"type": "watch", "devices": null})).await;
    screen.until("snapshot").await;
}

#[tokio::test]
async fn one_that_does_not_read_costs_the_others_nothing_and_is_closed() {
    let site = Site::open_with(portal::Config { max_screens: 2 }, &[]).await;
    let mut slow = Screen::watching(&site).await;
    slow.until("snapshot").await;
    let mut quick = Screen::watching(&site).await;
    quick.until("snapshot").await;
    let begun = std::time::Instant::now();
    let mut seq = 0;
    // The kernel buffers megabytes between the two ends; only then does the slow one hold anybody up.
    while begun.elapsed() < std::time::Duration::from_secs(60) {
        for _ in 0..1_000 {
            seq += 1;
            let what = if seq % 2 == 1 { What::Raised } else { What::Cleared };
            site.hub.transition(&step(seq, Some(site.beds[0]), (seq - 1) / 2, what));
        }
        for told in seq - 999..=seq {
            assert_eq!(quick.until("alarm").await["seq"], told);
        }
        if Screen::try_connect(&site).await.is_some() {
            break;
        }
    }
    let mut told = 0;
    while let Some(message) = slow.next().await {
        told += i64::from(message["type"] == "alarm");
    }
    assert!(told < seq, "the slow screen was told everything");
    quick.until("heartbeat").await;
}

#[tokio::test]
async fn stopping_closes_the_screens() {
    let site = Site::open().await;
    let mut screen = Screen::watching(&site).await;
    screen.until("snapshot").await;
    site.stop.cancel();
    while screen.next().await.is_some() {}
}
