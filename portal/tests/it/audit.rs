use serde_json::{Value, json};
use store::Client;
use store::testing::Person;
use uuid::Uuid;
use vitals::{DeviceKey, Parameter, What};

use crate::access::events;
use crate::people::{Patient, nobody_cares_any_more, somebody};
use crate::screen::Screen;
use crate::site::{Site, step};

/// A row of an event, whose subjects are counted.
#[derive(Debug, PartialEq)]
struct Row {
    action: String,
    entity: Option<String>,
    times: i32,
    subjects: Vec<Uuid>,
}

async fn rows(db: &Client, of: &str) -> Vec<Row> {
    let sql = format!(
        "SELECT action, entity_kind, times,
            ARRAY(SELECT patient_id FROM audit_subjects WHERE event_id = id ORDER BY patient_id)
        FROM audit_events WHERE {of} ORDER BY ctid"
    );
    let rows = db.query(&sql, &[]).await.unwrap();
    rows.iter()
        .map(|row| Row { action: row.get(0), entity: row.get(1), times: row.get(2), subjects: row.get(3) })
        .collect()
}

/// Everybody is on a bed whom the nurse cares for.
async fn ward(site: &Site, beds: &[DeviceKey]) -> Vec<Uuid> {
    let mut patients = Vec::new();
    for bed in beds {
        let patient = Patient::admit(&site.database).await;
        patient.wears(&site.database, *bed).await;
        patient.is_cared_for_by(&site.database, &site.nurse).await;
        patients.push(patient.id);
    }
    patients.sort_unstable();
    patients
}

#[tokio::test]
async fn one_get_is_one_event_with_all_its_subjects() {
    let site = Site::open().await;
    let patients = ward(&site, &site.beds[..2]).await;
    let db = &mut site.database.pool().get().await.unwrap();
    let steps: Vec<_> =
        (1..=4).map(|seq| step(seq, Some(site.beds[usize::from(seq > 2)]), seq, What::Raised)).collect();
    store::alarms::begin_epoch(db, crate::site::T0).await.unwrap();
    store::alarms::save(db, &steps).await.unwrap();
    assert_eq!(site.json("/api/alarms").await["alarms"].as_array().unwrap().len(), 4);
    let expected = Row { action: "R".to_owned(), entity: Some("alarm".to_owned()), times: 1, subjects: patients };
    assert_eq!(rows(db, "true").await, [expected]);
    let agent = "SELECT user_id, session_id, role, purpose, endpoint, host(address), correlation_id IS NOT NULL FROM audit_events";
    let row = db.query_one(agent, &[]).await.unwrap();
    assert_eq!((row.get::<_, Uuid>(0), row.get::<_, Uuid>(1)), (site.nurse.user, site.nurse.session));
    let words: Vec<String> = (2..6).map(|column| row.get(column)).collect();
    assert_eq!(words, ["nurse", "TREAT", "GET /api/alarms", "127.0.0.1"]);
    assert!(row.get::<_, bool>(6));
}

#[tokio::test]
async fn the_same_get_within_a_minute_is_one_event_and_a_count() {
    let mut site = Site::open().await;
    let other = somebody(&site.database, "nurse").await;
    for _ in 0..3 {
        site.json("/api/alarms").await;
        site.json("/api/alarms?limit=7").await;
    }
    site.get_as(&other, "/api/alarms").await;
    assert_eq!(events(&site.database).await, 3, "two requests of one, one of another");
    site.hand.advance_ms(61_000);
    site.json("/api/alarms").await;
    site.close().await;
    let db = site.database.pool().get().await.unwrap();
    let times: Vec<_> = rows(&db, "true").await.iter().map(|row| row.times).collect();
    assert_eq!(times, [1, 1, 1, 1, 2, 2], "the second minute's, and how often the first two came again");
}

#[tokio::test]
async fn a_live_view_is_an_event_at_its_start_at_each_change_and_at_its_end() {
    let site = Site::open().await;
    let patients = ward(&site, &site.beds[..1]).await;
    let db = site.database.pool().get().await.unwrap();
    site.hub.show(&[site.frame(0, Parameter::Hr, 72.0), site.frame(1, Parameter::Hr, 73.0)], 0);
    let mut screen = Screen::watching(&site).await;
    assert_eq!(screen.until("snapshot").await["numbers"].as_array().unwrap().len(), 2);
    let started = rows(&db, "entity_kind = 'live_view'").await;
    assert_eq!((started[0].action.as_str(), &started[0].subjects), ("C", &patients));

    // Somebody is put on bed-02 whom the nurse has nothing to do with: its numbers go, and its alarms do not come.
    let stranger = Patient::admit(&site.database).await;
    stranger.wears(&site.database, site.beds[1]).await;
    let roster = loop {
        let roster = screen.until("roster").await["devices"].clone();
        if roster.as_array().unwrap().len() == 2 {
            break roster;
        }
    };
    assert!(roster.as_array().unwrap().iter().all(|device| device["id"] != "bed-02"), "{roster}");
    assert_eq!(screen.until("snapshot").await["numbers"].as_array().unwrap().len(), 1);
    site.hub.transition(&step(1, Some(site.beds[1]), 1, What::Raised));
    site.hub.transition(&step(2, Some(site.beds[0]), 2, What::Raised));
    assert_eq!(screen.until("alarm").await["seq"], 2);

    // A relation that ends takes the numbers off the screen.
    nobody_cares_any_more(&site.database).await;
    let mut beats = 0;
    loop {
        let message = screen.next().await.unwrap();
        beats += usize::from(message["type"] == "heartbeat");
        if message["type"] == "roster" && message["devices"].as_array().unwrap().len() == 1 {
            break;
        }
    }
    // One a second, and one more of a slow machine.
    assert!(beats <= 2, "it was seen for {beats} s more");
    let snapshot = screen.until("snapshot").await;
    assert_eq!((&snapshot["numbers"], &snapshot["alarms"]), (&json!([]), &json!([])));

    let mut site = site;
    site.close().await;
    let actions: Vec<_> = rows(&db, "entity_kind = 'live_view'").await.into_iter().map(|row| row.action).collect();
    assert_eq!(actions, ["C", "U", "U", "D"]);
}

#[tokio::test]
async fn while_the_database_takes_no_events_they_go_to_the_disk_and_then_there_once() {
    let site = Site::open().await;
    for bed in 0..3 {
        site.hub.show(&[site.frame(bed, Parameter::Hr, 72.0)], 0);
    }
    site.json("/api/devices").await;
    let db = site.database.pool().get().await.unwrap();
    db.batch_execute("ALTER TABLE audit_events RENAME TO elsewhere").await.unwrap();
    let spool = site.folder.path().join("audit/events.spool");
    for minute in 1..=3 {
        site.hand.advance_ms(61_000);
        let response = site.get("/api/devices").await;
        assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
        assert_eq!(std::fs::read_to_string(&spool).unwrap().lines().count(), minute);
    }
    // Its answer was lost, but it had been committed: it is known by its id.
    let first = std::fs::read_to_string(&spool).unwrap().lines().next().unwrap().to_owned();
    let first: Value = serde_json::from_str(&first).unwrap();
    let insert = "INSERT INTO elsewhere (id, at, category, action, outcome, system_part)
        VALUES ($1::text::uuid, now(), 'devices', 'R', 'success', 'portal')";
    db.execute(insert, &[&first["id"].as_str().unwrap()]).await.unwrap();
    db.batch_execute("ALTER TABLE elsewhere RENAME TO audit_events").await.unwrap();
    let begun = std::time::Instant::now();
    while std::fs::metadata(&spool).unwrap().len() > 0 {
        assert!(begun.elapsed().as_secs() < 60, "the spool is not drained");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(rows(&db, "true").await.len(), 4);
    let unsealed = "SELECT count(*) FROM audit_events WHERE id NOT IN (SELECT event_id FROM audit_links) AND id <> (
        SELECT min(id::text)::uuid FROM audit_events)";
    assert_eq!(db.query_one(unsealed, &[]).await.unwrap().get::<_, i64>(0), 0, "drained events are in the chain");
}

#[tokio::test]
async fn an_auditor_finds_by_person_patient_and_time_and_leaves_the_terms_sealed() {
    let site = Site::open().await;
    let patients = ward(&site, &site.beds[..2]).await;
    let chart = "/api/vitals?device=bed-01&from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z";
    assert_eq!(site.get(chart).await.status(), 200);
    let stranger = somebody(&site.database, "physician").await;
    assert_eq!(site.get_as(&stranger, "/api/devices").await.status(), 200);
    let auditor = somebody(&site.database, "auditor").await;
    let ask = async |query: String| {
        site.get_as(&auditor, &format!("/api/audit?{query}")).await.json::<Value>().await.unwrap()["events"].clone()
    };
    let found = ask(format!("user={}", stranger.user)).await;
    assert_eq!((found.as_array().unwrap().len(), &found[0]["endpoint"]), (1, &json!("GET /api/devices")));
    let one = patients.iter().find(|patient| !found.to_string().contains(&patient.to_string())).unwrap();
    let of_patient = ask(format!("patient={one}&to=2026-11-23T10:00:01Z")).await;
    let all = ask("to=2100-01-01T00:00:00Z".to_owned()).await;
    assert!(all.as_array().unwrap().len() > 1);
    assert_eq!(of_patient.as_array().unwrap().len(), 1, "{of_patient}");
    assert_eq!((&of_patient[0]["endpoint"], &of_patient[0]["patients"]), (&json!("GET /api/vitals"), &json!([one])));
    assert_eq!(ask("to=2026-11-23T10:00:00Z".to_owned()).await, json!([]));

    // What was looked for is told to an auditor, and stands nowhere in the table.
    let searches = ask(format!("user={}", auditor.user)).await;
    let terms = searches.to_string();
    assert!(terms.contains(&format!("{{\\\"patient\\\":\\\"{one}\\\"")), "{terms}");
    let db = site.database.pool().get().await.unwrap();
    let plain = "SELECT count(*) FROM audit_events WHERE position($1::text::bytea in detail_sealed) > 0";
    assert_eq!(db.query_one(plain, &[&"patient"]).await.unwrap().get::<_, i64>(0), 0);
    let sealed = "SELECT count(*) FROM audit_events WHERE detail_sealed IS NOT NULL";
    assert!(db.query_one(sealed, &[]).await.unwrap().get::<_, i64>(0) >= 5);

    let csv = site.get_as(&auditor, &format!("/api/audit/export.csv?user={}", site.nurse.user)).await;
    assert!(csv.headers()["content-type"].to_str().unwrap().starts_with("text/csv"));
    let csv = csv.text().await.unwrap();
    assert_eq!(csv.lines().count(), 2, "{csv}");
    assert!(csv.contains("GET /api/vitals"));
}

/// Somebody sees for an hour whom he has nothing to do with.
async fn breaks_the_glass(db: &Client, person: &Person, patient: Uuid) {
    let insert = "INSERT INTO access_grants (id, realm, user_id, patient_id, via, during, reason_code, review_by)
        VALUES (gen_random_uuid(), 'live', $1, $2, 'break_glass', tstzrange(now(), now() + interval '1 hour'), 'emergency', now())";
    db.execute(insert, &[&person.user, &patient]).await.unwrap();
}

#[tokio::test]
async fn what_is_seen_through_a_broken_glass_says_so_and_alone_is_accounted_for() {
    let site = Site::open().await;
    let patients = ward(&site, &site.beds[..2]).await;
    let db = site.database.pool().get().await.unwrap();
    let physician = somebody(&site.database, "physician").await;
    breaks_the_glass(&db, &physician, patients[0]).await;
    let chart = "/api/vitals?device=bed-01&from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z";
    assert_eq!(site.get(chart).await.status(), 200);
    assert_eq!(site.get_as(&physician, chart).await.status(), 200);
    // Of one patient he is of the team, of the other he is not: an event each.
    let team = "INSERT INTO care_team (id, realm, patient_id, encounter_id, practitioner_id, role, during)
        SELECT gen_random_uuid(), 'live', patient_id, id, $2, 'physician', '[2000-01-01,)' FROM encounters WHERE patient_id = $1";
    db.execute(team, &[&patients[1], &physician.practitioner]).await.unwrap();
    store::alarms::begin_epoch(&db, crate::site::T0).await.unwrap();
    let steps = [(1, 0), (2, 1)].map(|(seq, bed): (i64, usize)| step(seq, Some(site.beds[bed]), seq, What::Raised));
    store::alarms::save(&db, &steps).await.unwrap();
    assert_eq!(site.get_as(&physician, "/api/alarms").await.status(), 200);
    let seen = "SELECT endpoint || ' ' || purpose FROM audit_events JOIN audit_subjects ON event_id = id
        WHERE user_id = $1 AND patient_id = $2 ORDER BY endpoint";
    let seen = async |person: &Person, patient: Uuid| {
        let rows = db.query(seen, &[&person.user, &patient]).await.unwrap();
        rows.iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>()
    };
    assert_eq!(seen(&site.nurse, patients[0]).await, ["GET /api/vitals TREAT"]);
    assert_eq!(seen(&physician, patients[0]).await, ["GET /api/alarms BTG", "GET /api/vitals BTG"]);
    assert_eq!(seen(&physician, patients[1]).await, ["GET /api/alarms TREAT"]);

    let auditor = somebody(&site.database, "auditor").await;
    let ask = async |patient: Uuid| {
        let page = site.get_as(&auditor, &format!("/api/disclosures/{patient}")).await.json::<Value>().await.unwrap();
        let told = |event: &Value| (event["user"].clone(), event["purpose"].clone());
        page["events"].as_array().unwrap().iter().map(told).collect::<Vec<_>>()
    };
    let through_glass = (json!(physician.user), json!("BTG"));
    assert_eq!(ask(patients[0]).await, [through_glass.clone(), through_glass]);
    assert_eq!(ask(patients[1]).await, []);
}

#[tokio::test]
async fn an_auditor_learns_of_his_own_realm() {
    let site = Site::open().await;
    let db = site.database.pool().get().await.unwrap();
    let patient = Uuid::now_v7();
    for realm in [Some("live"), Some("demo"), None] {
        let insert = "WITH event AS (
                INSERT INTO audit_events (id, at, realm, category, action, outcome, system_part, purpose)
                VALUES ($1, '2026-11-23T09:00:00Z', $2, 'care', 'R', 'success', 'portal', 'BTG')
            ) INSERT INTO audit_subjects VALUES ($1, $3, '2026-11-23T09:00:00Z')";
        db.execute(insert, &[&Uuid::now_v7(), &realm, &patient]).await.unwrap();
    }
    let auditor = somebody(&site.database, "auditor").await;
    for path in [
        "/api/audit?to=2026-11-23T09:30:00Z".to_owned(),
        format!("/api/audit?to=2026-11-23T09:30:00Z&patient={patient}"),
        format!("/api/audit/export.json?to=2026-11-23T09:30:00Z&patient={patient}"),
        format!("/api/disclosures/{patient}?to=2026-11-23T09:30:00Z"),
    ] {
        let page = site.get_as(&auditor, &path).await.json::<Value>().await.unwrap();
        let mut realms: Vec<_> =
            page["events"].as_array().unwrap().iter().map(|event| event["realm"].as_str()).collect();
        realms.sort_unstable();
        assert_eq!(realms, [None, Some("live")], "{path}");
    }
}

#[tokio::test]
async fn the_audit_pages_from_the_newest_and_none_comes_twice() {
    let site = Site::open().await;
    for limit in 1..=9 {
        site.json(&format!("/api/alarms?limit={limit}")).await;
        site.hand.advance_ms(1_000 * (limit % 2));
    }
    let auditor = somebody(&site.database, "auditor").await;
    let (mut path, mut seen) = (format!("/api/audit?limit=2&user={}", site.nurse.user), Vec::new());
    loop {
        let page = site.get_as(&auditor, &path).await.json::<Value>().await.unwrap();
        seen.extend(page["events"].as_array().unwrap().iter().map(|event| event["id"].to_string()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/audit?limit=2&user={}&cursor={next}", site.nurse.user);
    }
    assert_eq!(seen.len(), 9);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 9);
}
