use portal::command::{Error, Users};
use serde_json::{Value, json};
use store::Role;
use uuid::Uuid;
use vitals::{Clock, PatientId};

use super::staff::{Member, Office};
use crate::site::Site;

/// An office whose clock is about the database's, which decides who may see whom; it is behind, since every code takes 30 s.
async fn office() -> Office {
    let site = Site::open().await;
    site.hand.set(Clock::system().now().plus_millis(-20 * 60_000));
    Office::open_on(site).await
}

/// Somebody under care, with a key.
async fn patient(office: &Office, restricted: bool) -> Uuid {
    let (id, db) = (Uuid::now_v7(), office.site.database.pool().get().await.unwrap());
    let insert = "INSERT INTO patients (id, realm, restricted) VALUES ($1, 'demo', $2)";
    db.execute(insert, &[&id, &restricted]).await.unwrap();
    office.site.deps().keyring.make_patient(PatientId(id)).await.unwrap();
    id
}

fn body(patient: Uuid) -> Value {
    json!({"patient_id": patient, "reason_code": "emergency", "reason": "arrest in the corridor"})
}

/// What the database answers whether this one may see that one.
async fn standing(office: &Office, member: &Member, patient: Uuid) -> String {
    let mut db = office.site.database.pool_of(Role::Portal).get().await.unwrap();
    let tx = db.transaction().await.unwrap();
    let user = member.id.to_string();
    tx.execute("SELECT set_config('vigil.user', $1, true)", &[&user]).await.unwrap();
    tx.query_one("SELECT standing($1)", &[&patient]).await.unwrap().get(0)
}

#[tokio::test]
async fn it_takes_a_step_up_a_reason_and_a_patient() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let (known, restricted) = (patient(&office, false).await, patient(&office, true).await);
    nora.browser.post("/api/break-glass", body(known)).await.refused(403, "step_up_needed");
    nora.steps_up(&office.site).await;
    for (field, value) in [("reason", json!(" ")), ("reason_code", json!("curiosity"))] {
        let mut wrong = body(known);
        wrong[field] = value;
        assert_eq!(nora.browser.post("/api/break-glass", wrong).await.status, 400);
    }
    nora.browser.post("/api/break-glass", body(restricted)).await.refused(404, "not_found");
    nora.browser.post("/api/break-glass", body(Uuid::now_v7())).await.refused(404, "not_found");
    office.anna.browser.post("/api/break-glass", body(known)).await.refused(403, "missing_permission");
    let before = nora.browser.token().unwrap().clone();
    nora.browser.post("/api/break-glass", body(known)).await.ok();
    assert_ne!(nora.browser.token(), Some(&before));
    nora.browser.post("/api/break-glass", body(known)).await.refused(409, "related_already");
    let db = office.site.database.pool().get().await.unwrap();
    let events = "SELECT count(*) FROM audit_events e JOIN audit_subjects s ON s.event_id = e.id
        WHERE e.purpose = 'BTG' AND e.user_id = $1 AND s.patient_id = $2";
    assert_eq!(db.query_one(events, &[&nora.id, &known]).await.unwrap().get::<_, i64>(0), 1);
    let stored = db.query_one("SELECT string_agg(g::text, ' ') FROM access_grants g", &[]).await.unwrap();
    let hex = "corridor".bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert!(!stored.get::<_, &str>(0).contains(&hex) && !stored.get::<_, &str>(0).contains("corridor"));
}

/// Neither by a glass nor by the relations that everybody else has.
#[tokio::test]
async fn nobody_opens_his_own_record() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let (own, other) = (patient(&office, false).await, patient(&office, false).await);
    let (site, patient) = (&office.site, PatientId(own));
    let users = Users::new(
        site.database.pool_of(Role::Portal),
        site.database.pool_of(Role::Audit),
        site.clock.clone(),
        site.deps().keyring,
    );
    nora.steps_up(site).await;
    nora.browser.post("/api/break-glass", body(own)).await.ok();
    assert_eq!(standing(&office, &nora, own).await, "seen");
    nora.browser.get(&format!("/api/patients/{own}")).await.ok();

    users.own_record("nora.lind", patient, false).await.unwrap();
    assert_eq!(standing(&office, &nora, own).await, "no_relation");
    nora.browser.get(&format!("/api/patients/{own}")).await.refused(403, "no_relation");
    nora.steps_up(&office.site).await;
    nora.browser.post("/api/break-glass", body(own)).await.refused(403, "own_record");
    nora.browser.post("/api/break-glass", body(other)).await.ok();
    nora.browser.get(&format!("/api/patients/{other}")).await.ok();
    let db = office.site.database.pool().get().await.unwrap();
    let events = "SELECT count(*) FROM audit_events e JOIN audit_subjects s ON s.event_id = e.id
        WHERE e.system_part = 'command' AND e.entity_id = $1 AND s.patient_id = $2";
    assert_eq!(db.query_one(events, &[&nora.id, &own]).await.unwrap().get::<_, i64>(0), 1);

    // It was somebody else of that name.
    users.own_record("nora.lind", patient, true).await.unwrap();
    nora.browser.get(&format!("/api/patients/{own}")).await.ok();
    let again = users.own_record("nora.lind", patient, true).await;
    assert!(matches!(again, Err(Error::UnknownPatient(_))), "nobody says so any more");
    let unknown = users.own_record("nora.lind", PatientId(Uuid::now_v7()), false).await;
    assert!(matches!(unknown, Err(Error::UnknownPatient(_))));
    assert!(matches!(users.own_record("nobody", patient, false).await, Err(Error::UnknownUser(_))));
    users.close(None).await.unwrap();
}

#[tokio::test]
async fn it_opens_for_an_hour_and_no_longer() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let (one, other) = (patient(&office, false).await, patient(&office, false).await);
    assert_eq!(standing(&office, &nora, one).await, "no_relation");
    nora.steps_up(&office.site).await;
    let opened = nora.browser.post("/api/break-glass", body(one)).await.ok();
    assert_eq!(opened["until"], json!(office.site.clock.now().plus_millis(3_600_000)));
    assert_eq!(standing(&office, &nora, one).await, "seen");
    assert_eq!(standing(&office, &nora, other).await, "no_relation");
    // An hour later, as the database has it.
    let db = office.site.database.pool().get().await.unwrap();
    let later = "UPDATE access_grants SET during = tstzrange(now() - interval '60 minutes', now())";
    db.execute(later, &[]).await.unwrap();
    assert_eq!(standing(&office, &nora, one).await, "no_relation");
}

#[tokio::test]
async fn somebody_else_looks_at_it_within_three_days() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let mut olga = office.hire("olga.rui", "privacy_officer").await;
    let patient = patient(&office, false).await;
    nora.steps_up(&office.site).await;
    let id = nora.browser.post("/api/break-glass", body(patient)).await.ok()["id"].clone();
    nora.browser.get("/api/break-glass").await.refused(403, "missing_permission");
    olga.browser.post("/api/session/input", Value::Null).await.ok();
    let seen = olga.browser.get("/api/break-glass").await.ok()["accesses"][0].clone();
    assert_eq!((&seen["id"], &seen["user_id"], &seen["patient_id"]), (&id, &json!(nora.id), &json!(patient)));
    assert_eq!((&seen["reason"], &seen["overdue"]), (&json!("arrest in the corridor"), &json!(false)));
    let review = format!("/api/break-glass/{}/review", id.as_str().unwrap());
    let found = json!({"review": "justified"});
    office.stays_awake().await;
    office.anna.browser.post(&review, found.clone()).await.refused(403, "missing_permission");
    olga.browser.post(&review, found.clone()).await.refused(409, "still_open");
    let over = "UPDATE access_grants SET during = tstzrange(lower(during), lower(during) + interval '1 second')";
    let db = office.site.database.pool().get().await.unwrap();
    db.execute(over, &[]).await.unwrap();
    office.site.hand.advance_ms(1_000);
    assert_eq!(olga.browser.post(&review, found.clone()).await.status, 204);
    let about = "SELECT count(*) FROM audit_events e JOIN audit_subjects s ON s.event_id = e.id
        WHERE e.user_id = $1 AND e.action = 'U' AND e.outcome = 'success' AND s.patient_id = $2";
    assert_eq!(db.query_one(about, &[&olga.id, &patient]).await.unwrap().get::<_, i64>(0), 1);
    olga.browser.post(&review, found).await.refused(409, "reviewed_already");
    assert_eq!(olga.browser.get("/api/break-glass").await.ok()["accesses"], json!([]));
    let all = olga.browser.get("/api/break-glass?state=all").await.ok()["accesses"][0].clone();
    assert_eq!((&all["review"], &all["reviewed_by"]), (&json!("justified"), &json!(olga.id)));
}

#[tokio::test]
async fn one_that_is_found_unjustified_ends_with_that() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let mut olga = office.hire("olga.rui", "privacy_officer").await;
    let patient = patient(&office, false).await;
    nora.steps_up(&office.site).await;
    let id = nora.browser.post("/api/break-glass", body(patient)).await.ok()["id"].clone();
    assert_eq!(standing(&office, &nora, patient).await, "seen");
    let review = format!("/api/break-glass/{}/review", id.as_str().unwrap());
    assert_eq!(olga.browser.post(&review, json!({"review": "unjustified"})).await.status, 204);
    assert_eq!(standing(&office, &nora, patient).await, "no_relation");
}

#[tokio::test]
async fn whoever_tries_what_he_may_not_leaves_a_trace_of_each() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let asked = [patient(&office, true).await, Uuid::now_v7(), Uuid::now_v7()];
    nora.steps_up(&office.site).await;
    for patient in asked {
        nora.browser.post("/api/break-glass", body(patient)).await.refused(404, "not_found");
    }
    let grant = super::staff::grant(&mut office.anna, &nora, "physician").await.ok()["id"].clone();
    let grant: Uuid = grant.as_str().unwrap().parse().unwrap();
    let approve = format!("/api/grants/{grant}/approve");
    office.anna.browser.post(&approve, Value::Null).await.refused(403, "own_proposal");
    let db = office.site.database.pool().get().await.unwrap();
    let refused = "SELECT entity_kind, entity_id, ARRAY(SELECT patient_id FROM audit_subjects WHERE event_id = id)
        FROM audit_events WHERE outcome = 'refused' AND user_id = $1 ORDER BY ctid";
    let refused = async |member: &Member| {
        let rows = db.query(refused, &[&member.id]).await.unwrap();
        let read = |row: &store::Row| (row.get(0), row.get(1), row.get(2));
        rows.iter().map(read).collect::<Vec<(String, Option<Uuid>, Vec<Uuid>)>>()
    };
    let of_patient = |patient: Uuid| ("patient".to_owned(), Some(patient), vec![patient]);
    assert_eq!(refused(&nora).await, asked.map(of_patient));
    assert_eq!(refused(&office.anna).await, [("endpoint".to_owned(), Some(grant), vec![])]);
}

#[tokio::test]
async fn what_nobody_looked_at_is_overdue_after_three_days() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let olga = office.hire("olga.rui", "privacy_officer").await;
    let patient = patient(&office, false).await;
    nora.steps_up(&office.site).await;
    nora.browser.post("/api/break-glass", body(patient)).await.ok();
    office.site.hand.advance_ms(72 * 3_600_000);
    let mut browser = olga.browser.clone();
    olga.signs_in(&office.site, &mut browser).await;
    let seen = browser.get("/api/break-glass").await.ok()["accesses"][0].clone();
    assert_eq!(seen["overdue"], json!(true));
}

/// A policy of the database, whatever the program asks.
#[tokio::test]
async fn whoever_reviews_none_finds_none() {
    let mut office = office().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    let patient = patient(&office, false).await;
    nora.steps_up(&office.site).await;
    let id = nora.browser.post("/api/break-glass", body(patient)).await.ok()["id"].as_str().unwrap().to_owned();
    let mut db = office.site.database.pool_of(Role::Portal).get().await.unwrap();
    let tx = db.transaction().await.unwrap();
    let user = office.anna.id.to_string();
    tx.execute("SELECT set_config('vigil.user', $1, true)", &[&user]).await.unwrap();
    let found = tx.query("SELECT id FROM broken_glasses(false, NULL, 10)", &[]).await.unwrap();
    assert!(found.is_empty());
    let id: Uuid = id.parse().unwrap();
    let review = tx.query_one("SELECT outcome FROM review_glass($1, 'justified', now())", &[&id]).await.unwrap();
    assert_eq!(review.get::<_, &str>(0), "unknown");
}
