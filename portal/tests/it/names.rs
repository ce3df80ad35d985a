//! What a screen calls whom it shows, and which unit a station shows.

use keys::{Keyring, RootFile, RootKey};
use serde_json::{Value, json};
use store::Role;
use uuid::Uuid;
use vitals::{Parameter, What};

use crate::identity::browser::Browser;
use crate::people::Patient;
use crate::screen::Screen;
use crate::site::{Site, step};

const PLACES: &str = "
    INSERT INTO organizations (id, realm, kind, name) VALUES ('00000000-0000-0000-0000-000000000001', 'live', 'facility', 'Mercy');
    INSERT INTO profiles (id, age_class, name) VALUES ('00000000-0000-0000-0000-000000000001', 'adult', 'Adults');
    INSERT INTO locations (id, realm, org_id, kind, code, tz, parent_id, default_profile_id) VALUES
        ('00000000-0000-0000-0000-00000000000a', 'live', '00000000-0000-0000-0000-000000000001', 'site', 'Mercy', 'UTC', NULL, NULL),
        ('00000000-0000-0000-0000-00000000000b', 'live', '00000000-0000-0000-0000-000000000001', 'unit', '4-West', NULL,
            '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001'),
        ('00000000-0000-0000-0000-00000000000c', 'live', '00000000-0000-0000-0000-000000000001', 'unit', '5-East', NULL,
            '00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-000000000001');
    INSERT INTO stations (id, realm, location_id, name, mode, token_hash, expires_at) VALUES ('00000000-0000-0000-0000-00000000000d', 'live',
        '00000000-0000-0000-0000-00000000000b', 'Wall', 'wall', sha256(repeat('d', 64)::bytea), '2100-01-01')";
const WEST: Uuid = Uuid::from_u128(0xb);
const EAST: Uuid = Uuid::from_u128(0xc);

/// A site whose wall is the station of 4 West, where Grace Okafor lies and wears the first bed's monitor.
async fn with_wall() -> (Site, Patient, Screen) {
    let site = Site::open().await;
    run(&site, PLACES).await;
    let grace = Patient::admit(&site.database).await;
    grace.is_called(&site, "Grace", "Okafor").await;
    grace.lies_in(&site.database, WEST).await;
    grace.wears(&site.database, site.beds[0]).await;
    let cookie = format!("vigil-station={}", "d".repeat(64));
    let mut wall = Screen::try_connect_with(&site, &cookie).await.unwrap();
    wall.say(&json!({"type": "watch", "devices": null})).await;
    (site, grace, wall)
}

async fn run(site: &Site, sql: &str) {
    site.database.pool().get().await.unwrap().batch_execute(sql).await.unwrap();
}

/// What the next roster tells of each device: its name, and the person.
async fn roster(screen: &mut Screen) -> Vec<(String, Value)> {
    let roster = screen.until("roster").await;
    let devices = roster["devices"].as_array().unwrap().iter();
    devices.map(|device| (device["id"].as_str().unwrap().to_owned(), device["patient"].clone())).collect()
}

fn told(patient: &Patient, label: &str) -> Value {
    json!({"id": patient.id, "label": label})
}

fn only_first(person: Value) -> Vec<(String, Value)> {
    vec![("bed-01".to_owned(), person), ("bed-02".to_owned(), Value::Null)]
}

#[tokio::test]
async fn a_station_shows_initials_unless_it_is_set_to_names_or_to_none() {
    let (site, grace, mut wall) = with_wall().await;
    assert_eq!(roster(&mut wall).await, only_first(told(&grace, "O.G.")));
    for (privacy, person) in [("names", told(&grace, "Okafor, Grace")), ("none", Value::Null)] {
        run(&site, &format!("UPDATE stations SET privacy = '{privacy}'")).await;
        assert_eq!(roster(&mut wall).await, only_first(person), "{privacy}");
    }
    // Each is written down as what it is: another look at the same person.
    let events = "SELECT count(*) FROM audit_events e JOIN audit_subjects s ON s.event_id = e.id
        WHERE e.entity_kind = 'live_view' AND e.station_id IS NOT NULL AND e.action IN ('C', 'U') AND s.patient_id = $1";
    let db = site.database.pool().get().await.unwrap();
    assert_eq!(db.query_one(events, &[&grace.id]).await.unwrap().get::<_, i64>(0), 3);
}

#[tokio::test]
async fn a_locked_screen_has_numbers_and_alarms_and_no_names() {
    let site = Site::open().await;
    let grace = Patient::admit(&site.database).await;
    grace.is_called(&site, "Grace", "Okafor").await;
    grace.wears(&site.database, site.beds[0]).await;
    grace.is_cared_for_by(&site.database, &site.nurse).await;
    let mut screen = Screen::watching(&site).await;
    let first = async |screen: &mut Screen| roster(screen).await.swap_remove(0);
    let named = ("bed-01".to_owned(), told(&grace, "Okafor, Grace"));
    let nameless = ("bed-01".to_owned(), Value::Null);
    assert_eq!(first(&mut screen).await, named);

    run(&site, "UPDATE sessions SET locked_at = now()").await;
    assert_eq!(first(&mut screen).await, nameless);
    site.hub.show(&[site.frame(0, Parameter::Hr, 72.0)], 0);
    assert_eq!(screen.until("numbers").await["numbers"][0]["device"], "bed-01");
    site.hub.transition(&step(1, Some(site.beds[0]), 1, What::Raised));
    let alarm = screen.until("alarm").await;
    assert_eq!(alarm["alarm"]["device"], "bed-01");
    assert!(!alarm.to_string().contains("Okafor") && !alarm.to_string().contains(&grace.id.to_string()));
    run(&site, "UPDATE sessions SET locked_at = NULL").await;
    assert_eq!(first(&mut screen).await, named);
    // Nobody touched it for five minutes.
    run(&site, "UPDATE sessions SET last_input_at = started_at").await;
    site.hand.advance_ms(5 * 60_000);
    assert_eq!(first(&mut screen).await, nameless);
    run(&site, "UPDATE care_team SET during = '[2000-01-01,2000-01-02)'").await;
    assert_eq!(first(&mut screen).await.0, "bed-02", "whoever has no relation is not shown the bed at all");
}

#[tokio::test]
async fn whoever_locks_at_a_station_takes_its_names_along_until_he_is_gone() {
    let (site, grace, mut wall) = with_wall().await;
    roster(&mut wall).await;
    let station = "UPDATE sessions SET station_id = '00000000-0000-0000-0000-00000000000d', last_input_at = started_at";
    run(&site, &format!("{station}, locked_at = now()")).await;
    assert_eq!(roster(&mut wall).await, only_first(Value::Null));
    site.hand.advance_ms(15 * 60_000);
    assert_eq!(roster(&mut wall).await, only_first(told(&grace, "O.G.")), "fifteen minutes end him, not the station");
}

#[tokio::test]
async fn a_station_sees_one_unit() {
    let (site, grace, mut wall) = with_wall().await;
    // bed-03 is of another realm.
    assert_eq!(roster(&mut wall).await, only_first(told(&grace, "O.G.")));
    let keep = async |place: Uuid| {
        run(&site, &format!("UPDATE devices SET location_id = '{place}' WHERE external_id = 'bed-02'")).await;
    };
    keep(EAST).await;
    // Of the place itself the roster of devices tells nothing: the next look does.
    let until = async |wall: &mut Screen, count: usize| loop {
        let roster = roster(wall).await;
        if roster.len() == count {
            break roster;
        }
    };
    assert_eq!(until(&mut wall, 1).await[0].0, "bed-01");
    site.hub.show(&[site.frame(1, Parameter::Hr, 72.0), site.frame(0, Parameter::Hr, 73.0)], 0);
    site.hub.transition(&step(1, Some(site.beds[1]), 1, What::Raised));
    site.hub.transition(&step(2, Some(site.beds[0]), 2, What::Raised));
    assert_eq!(wall.until("alarm").await["alarm"]["device"], "bed-01", "the other one is another unit's");
    keep(WEST).await;
    assert_eq!(until(&mut wall, 2).await[1].0, "bed-02");
    // Whoever is moved takes his monitor along, wherever that is kept.
    run(&site, &format!("UPDATE encounter_locations SET location_id = '{EAST}'")).await;
    assert_eq!(until(&mut wall, 1).await[0].0, "bed-02");
}

#[tokio::test]
async fn a_name_that_does_not_open_hides_no_bed() {
    let (site, grace, mut wall) = with_wall().await;
    roster(&mut wall).await;
    run(&site, "UPDATE patient_names SET sealed = '\\x00'; UPDATE stations SET privacy = 'names'").await;
    assert_eq!(roster(&mut wall).await, only_first(json!({"id": grace.id, "label": null})));
}

/// Statements of this portal's role that are within a transaction and wait for nothing of the database.
const HELD: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = 'vigil_portal' AND state LIKE 'idle in transaction%'";
const WAITS_FOR_A_KEY: &str = "SELECT count(*) FROM pg_locks WHERE relation = 'patient_keys'::regclass AND NOT granted";

#[tokio::test]
async fn who_waits_for_keys_holds_no_connection_of_the_portal() {
    let site = Site::open().await;
    let keys = site.database.key_store().await;
    let path = site.folder.path().join("root.key");
    RootKey::make(&path).unwrap();
    // Each has to ask for a key once.
    let keyring = async || {
        let root = RootKey::read(&RootFile { path: path.clone(), apart_from: Vec::new() }).unwrap();
        Keyring::open(root, site.database.pool_of(Role::Keys), keys.pool_of(Role::Keys)).await.unwrap()
    };
    let grace = Patient::admit(&site.database).await;
    grace.is_called_by(&keyring().await, &site.database, "Grace", "Okafor").await;
    grace.wears(&site.database, site.beds[0]).await;
    grace.is_cared_for_by(&site.database, &site.nurse).await;
    let ada = Patient::admit(&site.database).await;
    ada.is_called_by(&keyring().await, &site.database, "Ada", "Brook").await;
    ada.is_cared_for_by(&site.database, &site.nurse).await;
    let portal = site.another_by(keyring().await).await;
    let mut browser = Browser::at(portal.address);
    browser.cookies.insert("vigil".to_owned(), site.nurse.cookie().strip_prefix("vigil=").unwrap().to_owned());

    // A key store that hangs.
    let mut other = store::connect(keys.url(), "test").await.unwrap();
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE patient_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let looking = async {
        let begun = std::time::Instant::now();
        while lock.query_one(WAITS_FOR_A_KEY, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            assert!(begun.elapsed().as_secs() < 20, "nobody asks for a key");
        }
        site.database.pool().get().await.unwrap().query_one(HELD, &[]).await.unwrap().get::<_, i64>(0)
    };
    let (screen, held) = tokio::join!(browser.live(), looking);
    assert_eq!(held, 0, "a transaction is open while a name is opened");
    let mut screen = screen.expect("its bed is shown without a name");
    screen.say(&json!({"type": "watch", "devices": null})).await;
    assert_eq!(roster(&mut screen).await[0].1, json!({"id": grace.id, "label": null}));
    lock.rollback().await.unwrap();
    assert_eq!(roster(&mut screen).await[0].1, told(&grace, "Okafor, Grace"), "the next that opens it shows it");

    // It hangs again, and somebody whose key nobody has comes.
    let lock = other.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE patient_keys IN ACCESS EXCLUSIVE MODE").await.unwrap();
    ada.wears(&site.database, site.beds[1]).await;
    let told_of_both = |ada_is: Value| [told(&grace, "Okafor, Grace"), json!({"id": ada.id, "label": ada_is})];
    let both = async |screen: &mut Screen| {
        roster(screen).await.into_iter().take(2).map(|(_, person)| person).collect::<Vec<_>>()
    };
    assert_eq!(both(&mut screen).await, told_of_both(Value::Null), "who is known stays named");
    let begun = std::time::Instant::now();
    lock.rollback().await.unwrap();
    assert_eq!(both(&mut screen).await, told_of_both(json!("Brook, Ada")));
    assert!(begun.elapsed().as_secs() < 5, "at one of the next looks: {:?}", begun.elapsed());
}
