//! `vigil demo …`: a ward, its staff and its patients, made up from the host.

use std::collections::BTreeMap;

use reqwest::header;
use serde_json::{Value, json};
use store::Role;
use store::testing::{TestDatabase, database};

use super::vigil::{Site, count};

const BEDS: [&str; 5] = ["bed-01", "bed-02", "bed-03", "bed-04", "bed-05"];

async fn ward() -> (TestDatabase, Site, Seeded) {
    let database = database().await;
    let site = Site::without_people(&database).await;
    for bed in BEDS {
        site.enrol(bed, &["--realm", "demo"]);
    }
    let seeded = Seeded::read(&site.run(&["demo", "seed"]));
    (database, site, seeded)
}

/// What the seed printed, line by line.
struct Seeded {
    /// Login to (role, password).
    users: BTreeMap<String, (String, String)>,
    beds: Vec<String>,
    code: String,
}

impl Seeded {
    fn read(told: &str) -> Self {
        let mut seeded = Self { users: BTreeMap::new(), beds: Vec::new(), code: String::new() };
        for line in told.lines() {
            match line.split(' ').collect::<Vec<_>>()[..] {
                ["ward", "3-East", "id", _] => {}
                ["user", login, "role", role, "password", password] => {
                    seeded.users.insert(login.to_owned(), (role.to_owned(), password.to_owned()));
                }
                ["bed", name, "nobody"] => seeded.beds.push(format!("{name} nobody")),
                ["bed", name, "patient", _, "mrn", number] => seeded.beds.push(format!("{name} {number}")),
                ["bed", name, "patient", _, "mrn", number, "restricted"] => {
                    seeded.beds.push(format!("{name} {number} restricted"));
                }
                ["station", "central", "code", code, "until", _] => code.clone_into(&mut seeded.code),
                _ => panic!("no line of the contract: {line}"),
            }
        }
        seeded
    }
}

/// How many patients this user sees, asked as the portal asks.
async fn sees(database: &TestDatabase, login: &str) -> i64 {
    let of = format!("SELECT id::text FROM users WHERE login = '{login}'");
    let user: String = database.pool().get().await.unwrap().query_one(&of, &[]).await.unwrap().get(0);
    let portal = database.pool_of(Role::Portal).get().await.unwrap();
    let ask = format!("BEGIN; SELECT set_config('vigil.user', '{user}', true)");
    portal.batch_execute(&ask).await.unwrap();
    let names = "SELECT count(*) FROM patients p JOIN patient_names n ON n.patient_id = p.id
        JOIN device_assignments a ON a.patient_id = p.id";
    let seen = portal.query_one(names, &[]).await.unwrap().get(0);
    portal.batch_execute("ROLLBACK").await.unwrap();
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seed_makes_a_ward_once_and_every_role_is_somebody() {
    let (database, site, seeded) = ward().await;
    let roles: Vec<_> = seeded.users.iter().map(|(login, (role, _))| format!("{login} {role}")).collect();
    let expected = "admin administrator, admin2 administrator, auditor auditor, biller biller, charge charge_nurse, \
        engineer device_engineer, float nurse, nurse nurse, physician physician, privacy privacy_officer, \
        scheduler scheduler";
    assert_eq!(roles.join(", "), expected);
    let beds = ["bed-01 3000001", "bed-02 3000002", "bed-03 3000003", "bed-04 nobody", "bed-05 3000005 restricted"];
    assert_eq!(seeded.beds, beds);
    assert_eq!(site.run(&["demo", "seed"]), "already\n");

    // Who needs two persons has them, and they are not he.
    let by_two =
        "SELECT count(*) FROM role_grants g JOIN roles r ON r.id = g.role_id JOIN users a ON a.id = g.granted_by
        JOIN users b ON b.id = g.approved_by WHERE r.two_persons AND a.login = 'admin' AND b.login = 'admin2'";
    assert_eq!(count(&database, by_two).await, 4);
    assert_eq!(count(&database, "SELECT count(*) FROM role_grants WHERE granted_part = 'demo'").await, 2);
    // One event for each thing that was made, which explains all of its rows.
    let events = "SELECT count(*) FROM audit_events WHERE system_part = 'demo' AND action IN ('C', 'U')";
    assert_eq!(count(&database, events).await, 1 + 11 + 5 + 1);
    let unexplained = "SELECT (SELECT count(*) FROM patients_history WHERE audit_id IS NULL)
        + (SELECT count(*) FROM users_history WHERE audit_id IS NULL) + (SELECT count(*) FROM cover_history WHERE audit_id IS NULL)";
    assert_eq!(count(&database, unexplained).await, 0);
    let in_plain = "SELECT count(*) FROM patient_names WHERE position('Bergstr'::bytea IN sealed) > 0";
    assert_eq!(count(&database, in_plain).await, 0, "names are sealed");
    let restricted = "SELECT count(*) FROM patients WHERE restricted";
    assert_eq!(count(&database, restricted).await, 1);

    for (login, seen) in [("nurse", 4), ("charge", 4), ("physician", 4), ("float", 0), ("admin", 0), ("biller", 0)] {
        assert_eq!(sees(&database, login).await, seen, "{login}");
    }
    // Another bed is filled; nobody else changes.
    site.enrol("bed-06", &["--realm", "demo"]);
    assert_eq!(Seeded::read(&site.run(&["demo", "seed"])).beds, ["bed-06 3000006"]);
    assert_eq!(count(&database, "SELECT count(*) FROM users").await, 11);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_seeded_signs_in_with_two_factors_and_a_code_makes_a_station() {
    let (_database, site, seeded) = ward().await;
    let vigil = site.start();
    let (browser, base) = (reqwest::Client::new(), format!("http://{}/api", vigil.portal));
    let post = async |path: &str, cookie: &str, body: Value| {
        let request = browser.post(format!("{base}{path}")).header(header::COOKIE, cookie).json(&body);
        let answer = request.send().await.unwrap();
        let status = answer.status();
        let cookies = answer.headers().get_all(header::SET_COOKIE).iter();
        let cookies = cookies.filter_map(|cookie| cookie.to_str().unwrap().split(';').next());
        let cookie = cookies.filter(|cookie| !cookie.ends_with('=')).collect::<Vec<_>>().join("; ");
        let body: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path}: {body}");
        (cookie, body)
    };
    for (login, permission) in [("nurse", "read_vitals"), ("admin2", "manage_grants"), ("engineer", "read_devices")] {
        let (role, password) = &seeded.users[login];
        let (cookie, half) = post("/session", "", json!({"login": login, "password": password})).await;
        assert_eq!(half["state"], "half", "{login}");
        let code = site.run(&["demo", "code", login]);
        let (_, open) = post("/session/factor", &cookie, json!({"code": code.trim()})).await;
        assert_eq!((&open["state"], &open["roles"]), (&json!("open"), &json!([role])), "{login}");
        assert!(open["permissions"].as_array().unwrap().contains(&json!(permission)), "{login}");
    }
    let (_, station) = post("/station", "", json!({"code": seeded.code})).await;
    assert_eq!((&station["name"], &station["privacy"]), (&json!("central"), &json!("initials")));
    // A fresh one makes the one before void, and another name another station.
    let fresh = site.run(&["demo", "station-code"]);
    let code = fresh.split(' ').nth(3).unwrap();
    assert_eq!(post("/station", "", json!({"code": code})).await.1["id"], station["id"]);
    let other = site.run(&["demo", "station-code", "screen"]);
    assert!(other.starts_with("station screen code "), "{other}");
    assert_ne!(post("/station", "", json!({"code": other.split(' ').nth(3).unwrap()})).await.1["id"], station["id"]);
    assert_eq!(vigil.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_made_up_where_anybody_is_real() {
    let database = database().await;
    let site = Site::without_people(&database).await;
    let (_, told) = site.refused(&["demo", "station-code"]);
    assert!(told.contains("there is no ward"), "{told}");
    // As one that was restored would hold: the command makes none.
    let real = "INSERT INTO devices (external_id, kind, realm) VALUES ('bed-01', 'device', 'live')";
    database.pool().get().await.unwrap().batch_execute(real).await.unwrap();
    for command in [&["demo", "seed"][..], &["demo", "station-code"]] {
        let (code, told) = site.refused(command);
        assert!(code == Some(1) && told.contains("a live realm exists"), "{told}");
    }
    assert_eq!(count(&database, "SELECT count(*) FROM users").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_are_found_by_the_newest_index_key() {
    let (database, site, _seeded) = ward().await;
    let tokens = "SELECT count(DISTINCT token) FROM patient_identifiers_history";
    assert_eq!(count(&database, tokens).await, 4);
    let before = "CREATE TABLE before AS SELECT id, token FROM patient_identifiers";
    database.pool().get().await.unwrap().batch_execute(before).await.unwrap();
    let told = site.run(&["keys", "rotate", "--index"]);
    assert!(told.contains("index key 2"), "{told}");
    let moved = "SELECT count(*) FROM patient_identifiers i JOIN before b ON b.id = i.id AND b.token <> i.token
        WHERE key_version = 2";
    assert_eq!(count(&database, moved).await, 4);
    assert_eq!(
        count(&database, "SELECT count(*) FROM system_keys WHERE state = 'active' AND purpose = 'index'").await,
        1
    );
}
