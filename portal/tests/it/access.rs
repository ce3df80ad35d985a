//! Every endpoint as everybody: who is let in, and that it is written down.

use serde_json::Value;
use store::testing::{Person, TestDatabase};

use crate::people::{Patient, nobody_cares_any_more, somebody};
use crate::site::Site;

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
const HOLDERS: [(&str, &str); 10] = [
    ("read_vitals", "NCP......"),
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

/// Method, path to ask, and what is asked for; of everything that is served.
async fn endpoints(site: &Site) -> Vec<(String, String, String)> {
    let document = site.json("/openapi.json").await;
    let mut endpoints = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let access = operation["x-access"].as_str().unwrap().to_owned();
            let asked = match path.as_str() {
                "/api/vitals" => {
                    "/api/vitals?device=bed-01&from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z".to_owned()
                }
                "/api/disclosures/{patient}" => format!("/api/disclosures/{}", uuid::Uuid::nil()),
                path => path.replace("{id}", &uuid::Uuid::nil().to_string()),
            };
            endpoints.push((method.to_uppercase(), asked, access));
        }
    }
    endpoints
}

pub(crate) async fn events(database: &TestDatabase) -> i64 {
    let db = database.pool().get().await.unwrap();
    db.query_one("SELECT count(*) FROM audit_events", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn every_endpoint_lets_in_whom_its_table_says_and_writes_each_down_once() {
    let site = Site::open().await;
    let mut people = Vec::new();
    for role in ROLES {
        people.push(somebody(&site.database, role).await);
    }
    let mut asked = 0;
    for (method, path, access) in endpoints(&site).await {
        if path == "/live" || path == "/readyz" {
            // A WebSocket, which live.rs asks; and a node that is never ready in these tests.
            continue;
        }
        if method != "GET" {
            refuses(&site, &people, &method, &path, &access).await;
            continue;
        }
        for (role, person) in people.iter().enumerate() {
            let before = events(&site.database).await;
            let response = site.get_as(person, &path).await;
            let (open, allowed) = (access == "open", access == "open" || may(role, &access));
            let status = response.status().as_u16();
            assert_eq!(status, if allowed { 200 } else { 403 }, "{path} as {}", ROLES[role]);
            if !allowed {
                assert_eq!(response.json::<Value>().await.unwrap()["code"], "missing_permission");
            }
            assert_eq!(events(&site.database).await - before, i64::from(!open), "{path} as {}", ROLES[role]);
            asked += 1;
        }
        let before = events(&site.database).await;
        let response = reqwest::get(site.url(&path)).await.unwrap();
        assert_eq!(response.status(), if access == "open" { 200 } else { 401 }, "{path} as nobody");
        assert_eq!(events(&site.database).await - before, i64::from(access != "open"), "{path} as nobody");
    }
    assert!(asked >= 9 * 8, "only {asked} were asked");
    let db = site.database.pool().get().await.unwrap();
    let refused =
        "SELECT count(*) FROM audit_events WHERE outcome = 'refused' AND system_part = 'portal' AND user_id IS NULL";
    let nobody: i64 = db.query_one(refused, &[]).await.unwrap().get(0);
    assert!(nobody > 0, "what nobody was refused is written down as the portal's");
}

/// What changes something, asked without saying what: whoever may not is refused first, and that is written down once.
async fn refuses(site: &Site, people: &[Person], method: &str, path: &str, access: &str) {
    let ask = async |person: Option<&Person>| {
        let mut request = reqwest::Client::new().request(method.parse().unwrap(), site.url(path));
        if let Some(person) = person {
            request = request.header(reqwest::header::COOKIE, person.cookie());
        }
        let response = request.json(&Value::Null).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap_or_default()["code"].clone())
    };
    for (role, person) in people.iter().enumerate() {
        let before = events(&site.database).await;
        if access == "open" || path == "/api/sessions/others" {
            continue;
        }
        let (status, code) = ask(Some(person)).await;
        if may(role, access) {
            assert!(
                status < 500 && code != "missing_permission" && code != "not_signed_in",
                "{method} {path} {status}"
            );
        } else {
            assert_eq!(
                (status, code.as_str()),
                (403, Some("missing_permission")),
                "{method} {path} as {}",
                ROLES[role]
            );
            assert_eq!(events(&site.database).await - before, 1, "{method} {path} as {}", ROLES[role]);
        }
    }
    let before = events(&site.database).await;
    let (status, code) = ask(None).await;
    if access == "open" {
        assert!(status < 500, "{method} {path} as nobody: {status}");
    } else {
        assert_eq!((status, code.as_str()), (401, Some("not_signed_in")), "{method} {path} as nobody");
        assert_eq!(events(&site.database).await - before, 1, "{method} {path} as nobody");
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
    let last = "SELECT outcome, (SELECT count(*) FROM audit_subjects WHERE event_id = id) FROM audit_events
        ORDER BY id DESC LIMIT 1";
    assert_eq!(db.query_one(last, &[]).await.unwrap().get::<_, String>(0), "refused");

    patient.is_cared_for_by(&site.database, &site.nurse).await;
    // Ids of one moment have no order.
    site.hand.advance_ms(1);
    let chart = site.get(CHART).await.json::<Value>().await.unwrap();
    assert_eq!(chart["series"][0]["parameter"], "hr");
    let row = db.query_one(last, &[]).await.unwrap();
    assert_eq!((row.get::<_, String>(0), row.get::<_, i64>(1)), ("success".to_owned(), 1));

    let engineer = somebody(&site.database, "device_engineer").await;
    let text = site.get_as(&engineer, CHART).await.text().await.unwrap();
    assert!(text.contains("missing_permission") && !text.contains("series"), "{text}");
    let devices = site.get_as(&engineer, "/api/devices").await.text().await.unwrap();
    assert!(devices.contains("bed-01") && !devices.contains("72"), "{devices}");

    nobody_cares_any_more(&site.database).await;
    site.hand.advance_ms(61_000);
    assert_eq!(site.get(CHART).await.status(), 403);
    patient.restrict(&site.database).await;
    let restricted = site.get(CHART).await;
    let unknown = site.get(&CHART.replace("bed-01", "bed-99")).await;
    assert_eq!(
        (restricted.status(), unknown.status()),
        (reqwest::StatusCode::NOT_FOUND, reqwest::StatusCode::NOT_FOUND)
    );
    assert_eq!(restricted.text().await.unwrap(), unknown.text().await.unwrap());
}
