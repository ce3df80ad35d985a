//! Every endpoint as everybody: who is let in, and that it is written down.

mod fixtures;

use serde_json::{Value, json};
use store::testing::{Person, TestDatabase};

use crate::people::{Patient, nobody_cares_any_more, somebody};
use crate::screen::Screen;
use crate::site::Site;
use fixtures::{Ask, Ground};

const ROLES: [&str; 9] = [
    "nurse",
    "charge_nurse",
    "physician",
    "scheduler",
    "biller",
    "administrator",
    "auditor",
    "privacy_officer",
    "device_engineer",
];

/// Who holds what an endpoint asks for, as one letter a role.
const HOLDERS: [(&str, &str); 11] = [
    ("read_vitals", "NCP......"),
    ("read_chart", "NCP......"),
    ("read_devices", "NCP..A..D"),
    ("search_audit", "......UR."),
    ("export_audit", "......UR."),
    ("signed_in", "NCPSBAURD"),
    ("break_glass", "NCP......"),
    ("manage_users", ".....A..."),
    ("manage_grants", ".....A..."),
    ("manage_stations", ".....A..."),
    ("review_break_glass", ".......R."),
];

fn may(role: usize, access: &str) -> bool {
    let (_, holders) = HOLDERS.iter().find(|(permission, _)| *permission == access).expect("a permission of the table");
    holders.as_bytes()[role] != b'.'
}

/// Of those that open a chart: about whom each is.
const CLINICAL: [(&str, About); 5] = [
    ("GET /api/alarms", About::Whomever),
    ("GET /api/patients/{id}", About::OnePatient),
    ("GET /api/vitals", About::OnePatient),
    ("GET /live", About::Whomever),
    ("POST /api/break-glass", About::AStranger),
];

#[derive(PartialEq)]
enum About {
    /// Who has nothing to do with him is refused.
    OnePatient,
    /// Those with whom the caller has to do; of others nothing is told.
    Whomever,
    /// With whom nobody has to do: that is what it is for.
    AStranger,
}

/// What is open to anybody, with what nobody is answered who brings nothing that counts, and the events of that.
const OPEN: [(&str, u16, i64); 19] = [
    ("GET /api/parameters", 200, 0),
    ("GET /api/session", 200, 0),
    ("GET /healthz", 200, 0),
    ("GET /api/transport", 200, 0),
    ("GET /openapi.json", 200, 0),
    // These tests never start an engine.
    ("GET /readyz", 503, 0),
    ("DELETE /api/session", 204, 0),
    ("POST /api/session", 401, 1),
    ("POST /api/session/factor", 401, 1),
    ("POST /api/session/input", 401, 1),
    ("POST /api/session/lock", 401, 1),
    ("POST /api/session/pin", 401, 1),
    ("POST /api/session/step-up", 401, 1),
    ("POST /api/session/unlock", 401, 1),
    ("POST /api/station", 404, 1),
    ("POST /api/station/renew", 401, 0),
    ("POST /api/welcome", 404, 1),
    ("POST /api/welcome/begin", 404, 1),
    ("POST /api/welcome/finish", 404, 1),
];

/// Method and template of everything that is served, and what is asked for.
async fn endpoints(site: &Site) -> Vec<(String, String)> {
    let document = site.json("/openapi.json").await;
    let mut endpoints = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let access = operation["x-access"].as_str().unwrap().to_owned();
            endpoints.push((format!("{} {path}", method.to_uppercase()), access));
        }
    }
    endpoints
}

pub(crate) async fn events(database: &TestDatabase) -> i64 {
    let db = database.pool().get().await.unwrap();
    db.query_one("SELECT count(*) FROM audit_events", &[]).await.unwrap().get(0)
}

async fn send(ground: &Ground, endpoint: &str, ask: &Ask, person: Option<&Person>) -> (u16, String) {
    let method = endpoint.split_once(' ').unwrap().0.parse().unwrap();
    let mut request = reqwest::Client::new().request(method, ground.site.url(&ask.path));
    if let Some(person) = person {
        request = request.header(reqwest::header::COOKIE, person.cookie());
    }
    let response = if ask.body.is_null() { request } else { request.json(&ask.body) }.send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// What came back, which left exactly this many events.
async fn told(ground: &Ground, endpoint: &str, ask: &Ask, person: Option<&Person>, expected: i64) -> (u16, String) {
    let before = events(&ground.site.database).await;
    let (status, text) = send(ground, endpoint, ask, person).await;
    assert_eq!(events(&ground.site.database).await - before, expected, "events of {endpoint}: {status} {text}");
    (status, text)
}

fn code(text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    problem["code"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_lets_in_whom_its_table_says_and_writes_each_down_once() {
    let ground = Ground::open().await;
    let (mut missing, mut asked) = (Vec::new(), 0);
    for (endpoint, access) in endpoints(&ground.site).await {
        if access == "open" || endpoint == "GET /live" {
            // The next test, and a WebSocket, which is asked below.
            continue;
        }
        for (role, word) in ROLES.iter().enumerate() {
            // Somebody else for each: what one of them did changes nothing for the next.
            let person = somebody(&ground.site.database, word).await;
            let Some(ask) = ground.ask(&endpoint, &person).await else {
                missing.push(endpoint.clone());
                break;
            };
            let (status, text) = told(&ground, &endpoint, &ask, Some(&person), 1).await;
            if may(role, &access) {
                assert!((200..300).contains(&status), "{endpoint} as {word}: {status} {text}");
            } else {
                assert_eq!((status, code(&text).as_str()), (403, "missing_permission"), "{endpoint} as {word}");
            }
            asked += 1;
        }
        let nobody = somebody(&ground.site.database, ROLES[0]).await;
        if let Some(ask) = ground.ask(&endpoint, &nobody).await {
            let (status, text) = told(&ground, &endpoint, &ask, None, 1).await;
            assert_eq!((status, code(&text).as_str()), (401, "not_signed_in"), "{endpoint} as nobody");
        }
    }
    assert_eq!(missing, [""; 0], "each needs something to succeed with: fixtures.rs");
    assert!(asked >= 25 * ROLES.len(), "only {asked} were asked");
    let refused = "SELECT count(*) FROM audit_events
        WHERE outcome = 'refused' AND system_part = 'portal' AND user_id IS NULL";
    let nobody: i64 = ground.db().await.query_one(refused, &[]).await.unwrap().get(0);
    assert!(nobody > 25, "what nobody was refused is written down as the portal's: {nobody}");
}

#[tokio::test]
async fn what_is_open_tells_nobody_anything_and_proves_nothing() {
    let ground = Ground::open().await;
    let token = "0".repeat(64);
    let body = |endpoint: &str| match endpoint {
        "POST /api/session" => json!({"login": "nobody", "password": "tulip-Quarry-79-lantern"}),
        "POST /api/session/factor" | "POST /api/session/step-up" => json!({"code": "123456"}),
        "POST /api/session/pin" => json!({"login": "nobody", "pin": "719004"}),
        "POST /api/session/unlock" => json!({"password": "tulip-Quarry-79-lantern"}),
        "POST /api/station" => json!({"code": "00000-00000"}),
        "POST /api/welcome" => json!({"token": token}),
        "POST /api/welcome/begin" => json!({"token": token, "password": "tulip-Quarry-79-lantern"}),
        "POST /api/welcome/finish" => json!({"token": token, "code": "123456"}),
        _ => Value::Null,
    };
    let mut unlisted = Vec::new();
    for (endpoint, _) in endpoints(&ground.site).await.into_iter().filter(|(_, access)| access == "open") {
        let Some((_, status, events)) = OPEN.iter().find(|(listed, ..)| *listed == endpoint) else {
            unlisted.push(endpoint);
            continue;
        };
        let ask = Ask { path: endpoint.split_once(' ').unwrap().1.to_owned(), body: body(&endpoint) };
        let (answered, text) = told(&ground, &endpoint, &ask, None, *events).await;
        assert_eq!(answered, *status, "{endpoint}: {text}");
        assert!(!ground.identifying().iter().any(|word| text.contains(word.as_str())), "{endpoint}: {text}");
    }
    assert_eq!(unlisted, [""; 0], "what is open says here what nobody gets");
}

/// Apart from what a screen before says when it ends.
async fn refusals(ground: &Ground) -> i64 {
    let refused = "SELECT count(*) FROM audit_events WHERE outcome = 'refused'";
    ground.db().await.query_one(refused, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_screen_opens_for_whoever_may_see_numbers() {
    let ground = Ground::open().await;
    for (role, word) in ROLES.iter().enumerate() {
        let person = somebody(&ground.site.database, word).await;
        let before = refusals(&ground).await;
        let screen = Screen::try_connect_as(&ground.site, &person).await;
        assert_eq!(screen.is_some(), may(role, "read_vitals"), "{word}");
        if screen.is_none() {
            assert_eq!(refusals(&ground).await - before, 1, "{word}");
        }
    }
}

#[tokio::test]
async fn whoever_has_nothing_to_do_with_a_patient_is_told_nothing_by_any_endpoint() {
    let ground = Ground::open().await;
    let identifying = ground.identifying();
    let mut about_one = 0;
    for (endpoint, access) in endpoints(&ground.site).await {
        let about = CLINICAL.iter().find(|(listed, _)| *listed == endpoint).map(|(_, about)| about);
        let clinical = ["read_vitals", "read_chart", "write_chart", "answer_alarms", "set_limits", "assign_devices"];
        let listed = clinical.contains(&access.as_str()) || endpoint.contains("{patient}") && access != "search_audit";
        assert!(about.is_some() || !listed, "{endpoint} opens a chart: say about whom it is");
        let Some(about) = about.filter(|about| **about != About::AStranger && endpoint != "GET /live") else {
            continue;
        };
        for (role, word) in ROLES.iter().enumerate().filter(|(role, _)| may(*role, &access)) {
            let related = somebody(&ground.site.database, word).await;
            let ask = ground.ask(&endpoint, &related).await.unwrap();
            if *about == About::Whomever {
                ground.patient.is_cared_for_by(&ground.site.database, &related).await;
            }
            let (status, text) = told(&ground, &endpoint, &ask, Some(&related), 1).await;
            let named = identifying.iter().any(|known| text.contains(known.as_str()));
            assert!(status == 200 && named, "{endpoint} as a related {word}: {status} {text}");

            let unrelated = somebody(&ground.site.database, word).await;
            let (status, text) = told(&ground, &endpoint, &ask, Some(&unrelated), 1).await;
            let expected = if *about == About::OnePatient { (403, "no_relation") } else { (200, "") };
            assert_eq!((status, code(&text).as_str()), expected, "{endpoint} as {word} {role}");
            assert!(!identifying.iter().any(|known| text.contains(known.as_str())), "{endpoint} as {word}: {text}");
        }
        about_one += i32::from(*about == About::OnePatient);
    }
    assert!(about_one > 0);

    // And of whoever is restricted not even that there is something.
    ground.patient.restrict(&ground.site.database).await;
    let unrelated = somebody(&ground.site.database, "nurse").await;
    for (endpoint, _) in CLINICAL.iter().filter(|(_, about)| *about == About::OnePatient) {
        let related = somebody(&ground.site.database, "nurse").await;
        let ask = ground.ask(endpoint, &related).await.unwrap();
        let (status, text) = told(&ground, endpoint, &ask, Some(&unrelated), 1).await;
        assert_eq!(status, 404, "{endpoint}: {text}");
        assert!(!identifying.iter().any(|known| text.contains(known.as_str())), "{endpoint}: {text}");
    }
}

const CHART: &str = "/api/vitals?device=bed-01&from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z";

#[tokio::test]
async fn without_a_relation_nothing_of_a_chart_is_told_and_of_a_restricted_one_not_that_it_is() {
    let site = Site::open().await;
    let db = site.database.pool().get().await.unwrap();
    let insert = "INSERT INTO vitals (at, received_at, device_key, flags, hr)
        SELECT at, at, $1, 3, 72 FROM generate_series('2026-11-23T09:00:00Z'::timestamptz, '2026-11-23T09:10:00Z', '1 s') at";
    db.execute(insert, &[&site.beds[0].0]).await.unwrap();
    let patient = Patient::admit(&site.database).await;
    patient.wears(&site.database, site.beds[0]).await;

    let refused = site.get(CHART).await;
    assert_eq!(refused.status(), 403);
    let text = refused.text().await.unwrap();
    assert!(text.contains("no_relation") && !text.contains(&patient.id.to_string()), "{text}");
    let last = "SELECT outcome, ARRAY(SELECT patient_id FROM audit_subjects WHERE event_id = id) FROM audit_events
        ORDER BY id DESC LIMIT 1";
    let told = async || {
        let row = db.query_one(last, &[]).await.unwrap();
        (row.get::<_, String>(0), row.get::<_, Vec<uuid::Uuid>>(1))
    };
    assert_eq!(told().await, ("refused".to_owned(), vec![patient.id]), "the audit names whom the answer does not");

    patient.is_cared_for_by(&site.database, &site.nurse).await;
    // Ids of one moment have no order.
    site.hand.advance_ms(1);
    let chart = site.get(CHART).await.json::<Value>().await.unwrap();
    assert_eq!(chart["series"][0]["parameter"], "hr");
    assert_eq!(told().await, ("success".to_owned(), vec![patient.id]));

    let engineer = somebody(&site.database, "device_engineer").await;
    let text = site.get_as(&engineer, CHART).await.text().await.unwrap();
    assert!(text.contains("missing_permission") && !text.contains("series"), "{text}");
    let devices = site.get_as(&engineer, "/api/devices").await.text().await.unwrap();
    assert!(devices.contains("bed-01") && !devices.contains(":72"), "{devices}");

    nobody_cares_any_more(&site.database).await;
    site.hand.advance_ms(61_000);
    assert_eq!(site.get(CHART).await.status(), 403);
    patient.restrict(&site.database).await;
    site.hand.advance_ms(61_000);
    let restricted = site.get(CHART).await;
    assert_eq!(told().await, ("refused".to_owned(), vec![patient.id]));
    let unknown = site.get(&CHART.replace("bed-01", "bed-99")).await;
    assert_eq!(
        (restricted.status(), unknown.status()),
        (reqwest::StatusCode::NOT_FOUND, reqwest::StatusCode::NOT_FOUND)
    );
    assert_eq!(restricted.text().await.unwrap(), unknown.text().await.unwrap());
}
