use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config as Cases, TestRunner};
use serde_json::{Value, json};
use vitals::{Transition, What};

use crate::screen::Screen;
use crate::site::{EPOCH, Site, T0, step};

/// What a person at one screen came to know, over any number of connections.
#[derive(Default)]
struct Nurse {
    token: Option<(i64, i64)>,
    told: Vec<i64>,
    active: BTreeMap<String, Value>,
}

impl Nurse {
    async fn sit_down(&mut self, site: &Site) -> Screen {
        let mut screen = Screen::connect(site).await;
        let resume = self.token.map(|(epoch, seq)| json!({"epoch": epoch, "seq": seq}));
        screen.say(&json!({"type": "watch", "devices": [], "resume": resume})).await;
        loop {
            let message = screen.next().await.unwrap();
            self.hear(&message);
            if message["type"] == "snapshot" {
                assert_eq!(message["resync"], false);
                return screen;
            }
        }
    }

    fn hear(&mut self, message: &Value) {
        match message["type"].as_str().unwrap() {
            "alarm" => self.take(message),
            "missed" => message["alarms"].as_array().unwrap().iter().for_each(|step| self.take(step)),
            "snapshot" => {
                let alarms = message["alarms"].as_array().unwrap();
                self.active = alarms.iter().map(|alarm| (alarm["id"].to_string(), alarm.clone())).collect();
                self.token = Some((message["epoch"].as_i64().unwrap(), message["seq"].as_i64().unwrap()));
            }
            _ => {}
        }
    }

    fn take(&mut self, step: &Value) {
        let (seq, id) = (step["seq"].as_i64().unwrap(), step["alarm"]["id"].to_string());
        self.told.push(seq);
        self.token = Some((step["epoch"].as_i64().unwrap(), seq));
        if step["what"] == "cleared" {
            self.active.remove(&id)
        } else {
            self.active.insert(id, step["alarm"].clone())
        };
    }

    async fn until(&mut self, screen: &mut Screen, seq: i64) {
        while self.token.is_none_or(|(_, told)| told < seq) {
            let message = screen.next().await.unwrap();
            self.hear(&message);
        }
    }
}

/// Step `seq` of a stream in which alarm after alarm is raised, updated and most are cleared.
fn nth(site: &Site, seq: i64) -> Transition {
    let (alarm, what) = match seq % 3 {
        1 => (seq / 3, What::Raised),
        2 => (seq / 3, What::Updated),
        _ => (seq / 3 - 1, What::Cleared),
    };
    step(seq, Some(site.beds[0]), alarm, what)
}

#[derive(Clone, Debug)]
enum Event {
    /// So many steps happen.
    Happen(i64),
    /// The nurse reads until so many are left.
    Read(i64),
    Leave,
}

#[test]
fn a_screen_that_comes_and_goes_is_told_every_step_once() {
    let event = prop_oneof![(1_i64..40).prop_map(Event::Happen), (0_i64..20).prop_map(Event::Read), Just(Event::Leave)];
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut runner = TestRunner::new(Cases { cases: 12, failure_persistence: None, ..Cases::default() });
    runner
        .run(&proptest::collection::vec(event, 1..30), |events| {
            runtime.block_on(async {
                let site = Site::open().await;
                let (mut nurse, mut last) = (Nurse::default(), 0);
                let mut screen = Some(nurse.sit_down(&site).await);
                for event in events {
                    match event {
                        Event::Happen(steps) => {
                            for seq in last + 1..=last + steps {
                                site.hub.transition(&nth(&site, seq));
                            }
                            last += steps;
                        }
                        Event::Leave => screen = None,
                        Event::Read(left) => {
                            let mut at = match screen.take() {
                                Some(screen) => screen,
                                None => nurse.sit_down(&site).await,
                            };
                            nurse.until(&mut at, last - left).await;
                            screen = Some(at);
                        }
                    }
                }
                let mut at = nurse.sit_down(&site).await;
                nurse.until(&mut at, last).await;
                assert_eq!(nurse.told, (1..=last).collect::<Vec<_>>());
                assert_eq!(nurse.active.len(), usize::from(last % 3 != 0));
            });
            Ok(())
        })
        .unwrap();
}

#[tokio::test]
async fn a_screen_away_for_longer_than_memory_reaches_reads_the_database() {
    let site = Site::open().await;
    let mut nurse = Nurse { token: Some((EPOCH, 3)), ..Nurse::default() };
    let steps: Vec<_> = (1..=5_000).map(|seq| nth(&site, seq)).collect();
    save(&site, &steps).await;
    steps.iter().for_each(|step| site.hub.transition(step));
    nurse.sit_down(&site).await;
    assert_eq!(nurse.told, (4..=5_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn steps_of_the_run_before_come_from_the_database() {
    let site = Site::open().await;
    let before: Vec<_> = (1..=9).map(|seq| Transition { epoch: EPOCH - 1, ..nth(&site, seq) }).collect();
    save(&site, &before).await;
    site.hub.transition(&nth(&site, 1));
    let mut nurse = Nurse { token: Some((EPOCH - 1, 6)), ..Nurse::default() };
    nurse.sit_down(&site).await;
    assert_eq!((nurse.told, nurse.token), (vec![7, 8, 9, 1], Some((EPOCH, 1))));
}

/// The order of `server/src/run.rs`: the hub is there before the engine, which first tells what its last run could not store.
#[tokio::test]
async fn steps_told_before_the_hub_was_seeded_hide_none_of_the_run_before() {
    let site = Site::open_on(portal::Config::default(), |clock, roster, beds| {
        let hub = portal::Hub::new(clock, roster, &[], 0);
        hub.transition(&step(1, Some(beds[0]), 1, What::Raised));
        hub.transition(&step(2, Some(beds[0]), 1, What::Cleared));
        hub.transition(&step(3, Some(beds[0]), 2, What::Raised));
        let goes_on = step(0, None, 5, What::Raised);
        hub.seed(&[goes_on, step(3, Some(beds[0]), 2, What::Raised)], (EPOCH, 3));
        hub
    })
    .await;
    let before: Vec<_> = (1..=9).map(|seq| Transition { epoch: EPOCH - 1, ..nth(&site, seq) }).collect();
    save(&site, &before).await;
    let mut nurse = Nurse { token: Some((EPOCH - 1, 6)), ..Nurse::default() };
    let mut screen = nurse.sit_down(&site).await;
    assert_eq!((&nurse.told[..], nurse.token), (&[7, 8, 9, 1, 2, 3][..], Some((EPOCH, 3))));
    assert_eq!(nurse.active.len(), 2, "{:?}", nurse.active);
    site.hub.transition(&step(4, None, 5, What::Cleared));
    nurse.until(&mut screen, 4).await;
    assert_eq!((nurse.told.last(), nurse.active.len()), (Some(&4), 1));
}

#[tokio::test]
async fn a_screen_that_cannot_be_told_one_by_one_is_told_so() {
    let site = Site::open().await;
    // More than memory holds, and nothing stored.
    (1..=5_000).for_each(|seq| site.hub.transition(&nth(&site, seq)));
    for token in [json!({"epoch": EPOCH, "seq": 3}), json!({"epoch": EPOCH + 9, "seq": 1})] {
        let mut screen = Screen::connect(&site).await;
        screen.say(&json!({"type": "watch", "devices": [], "resume": token})).await;
        let snapshot = screen.until("snapshot").await;
        assert_eq!((&snapshot["resync"], &snapshot["seq"]), (&json!(true), &json!(5_000)));
        assert_eq!(snapshot["alarms"].as_array().unwrap().len(), 1);
    }
}

#[tokio::test]
async fn alarms_active_before_the_portal_started_are_in_the_first_snapshot() {
    let mut active = step(40, None, 5, What::Updated);
    active.epoch = EPOCH - 1;
    let site = Site::open_with(portal::Config::default(), &[active]).await;
    let mut screen = Screen::watching(&site).await;
    let snapshot = screen.until("snapshot").await;
    assert_eq!((&snapshot["alarms"][0]["code"], &snapshot["seq"]), (&json!("database_away"), &json!(0)));
    // Seeding again, once the engine knows more, reaches a screen that is there already.
    site.hub.seed(&[step(2, Some(site.beds[0]), 7, What::Raised)], (EPOCH, 2));
    site.hub.transition(&step(3, None, 5, What::Cleared));
    loop {
        let snapshot = screen.until("snapshot").await;
        if snapshot["seq"] == 3 {
            assert_eq!(snapshot["alarms"][0]["device"], "bed-01");
            break;
        }
    }
}

async fn save(site: &Site, steps: &[Transition]) {
    let db = &mut site.database.pool().get().await.unwrap();
    for _ in 0..EPOCH {
        store::alarms::begin_epoch(db, T0).await.unwrap();
    }
    store::alarms::save(db, steps).await.unwrap();
}
