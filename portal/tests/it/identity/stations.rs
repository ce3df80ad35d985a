use serde_json::{Value, json};
use uuid::Uuid;

use super::browser::Browser;
use super::staff::Office;
use crate::screen::Screen;

const DAY: i64 = 86_400_000;

/// Somewhere to put a screen.
async fn place(office: &Office) -> Uuid {
    let db = office.site.database.pool().get().await.unwrap();
    if let Some(row) = db.query_opt("SELECT id FROM locations LIMIT 1", &[]).await.unwrap() {
        return row.get(0);
    }
    let (org, site) = (Uuid::now_v7(), Uuid::now_v7());
    db.execute("INSERT INTO organizations (id, realm, kind, name) VALUES ($1, 'demo', 'facility', 'Demo')", &[&org])
        .await
        .unwrap();
    let insert =
        "INSERT INTO locations (id, realm, org_id, kind, code, tz) VALUES ($1, 'demo', $2, 'site', 'D', 'UTC')";
    db.execute(insert, &[&site, &org]).await.unwrap();
    site
}

async fn created(office: &mut Office, name: &str) -> Value {
    let place = place(office).await;
    office.stays_awake().await;
    office.anna.browser.post("/api/stations", json!({"name": name, "mode": "wall", "location_id": place})).await.ok()
}

/// A screen that is this station.
pub(crate) async fn enrolled(office: &mut Office, name: &str) -> Browser {
    let created = created(office, name).await;
    let mut browser = Browser::new(&office.site);
    browser.post("/api/station", json!({"code": created["code"]})).await.ok();
    browser
}

#[tokio::test]
async fn a_code_enrols_one_screen_and_its_cookie_is_for_no_script() {
    let mut office = Office::open().await;
    let unknown = json!({"name": "w", "mode": "wall", "location_id": Uuid::now_v7()});
    office.anna.browser.post("/api/stations", unknown).await.refused(400, "unknown_location");
    let created = created(&mut office, "wall-1").await;
    assert_eq!((&created["station"]["privacy"], &created["station"]["enrolled"]), (&json!("initials"), &json!(false)));
    let code = created["code"].as_str().unwrap();
    let mut screen = office.anna.browser.clone();
    let answer = screen.post("/api/station", json!({"code": code.to_lowercase().replace('-', " ")})).await;
    let (pair, rest) = answer.set_cookies[0].split_once(';').unwrap();
    assert_eq!((pair.len(), &pair[..14]), (14 + 64, "vigil-station="));
    assert_eq!(rest, " Path=/; HttpOnly; SameSite=Strict; Max-Age=7776000");
    let session = screen.get("/api/session").await.ok();
    // Whoever enrolled it is not signed in on it.
    assert_eq!((&session["state"], &session["station"]["name"]), (&json!("none"), &json!("wall-1")));
    assert_eq!(office.anna.browser.state().await, "none");
    let mut second = Browser::new(&office.site);
    second.post("/api/station", json!({"code": code})).await.refused(404, "unknown_code");
}

#[tokio::test]
async fn a_code_lasts_ten_minutes_and_a_token_ninety_days() {
    let mut office = Office::open().await;
    let late = created(&mut office, "wall-1").await;
    office.site.hand.advance_ms(10 * 60_000);
    let mut screen = Browser::new(&office.site);
    screen.post("/api/station", json!({"code": late["code"]})).await.refused(404, "unknown_code");
    let again = office.bert.browser.post("/api/session/unlock", json!({"password": super::staff::PASSWORD})).await;
    again.ok();
    let path = format!("/api/stations/{}/code", late["station"]["id"].as_str().unwrap());
    let code = office.bert.browser.post(&path, Value::Null).await.ok()["code"].clone();
    screen.post("/api/station", json!({"code": code})).await.ok();
    office.site.hand.advance_ms(90 * DAY - 1);
    assert_eq!(screen.get("/api/session").await.ok()["station"]["name"], "wall-1");
    office.site.hand.advance_ms(1);
    assert_eq!(screen.get("/api/session").await.ok()["station"], Value::Null);
}

#[tokio::test]
async fn a_token_is_changed_and_an_answer_that_was_lost_locks_nobody_out() {
    let mut office = Office::open().await;
    let mut screen = enrolled(&mut office, "wall-1").await;
    let first = screen.cookies["vigil-station"].clone();
    screen.post("/api/station/renew", Value::Null).await.ok();
    assert_eq!(screen.cookies["vigil-station"], first, "it is not a day old");
    office.site.hand.advance_ms(DAY);
    screen.post("/api/station/renew", Value::Null).await.ok();
    let lost = screen.cookies.insert("vigil-station".to_owned(), first.clone()).unwrap();
    assert_ne!(lost, first);
    // The answer was lost: the old one still counts, and is changed again.
    screen.post("/api/station/renew", Value::Null).await.ok();
    let mut thief = Browser::new(&office.site);
    thief.cookies.insert("vigil-station".to_owned(), lost);
    assert_eq!(thief.get("/api/session").await.ok()["station"], Value::Null, "it never arrived, and is void");
    assert_eq!(screen.get("/api/session").await.ok()["station"]["name"], "wall-1");
    thief.cookies.insert("vigil-station".to_owned(), first);
    assert_eq!(thief.get("/api/session").await.ok()["station"], Value::Null, "the new one has arrived");
}

#[tokio::test]
async fn it_has_one_socket_which_ends_with_it() {
    let mut office = Office::open().await;
    let screen = enrolled(&mut office, "wall-1").await;
    let mut first = screen.live().await.unwrap();
    first.until("heartbeat").await;
    let mut second = screen.live().await.unwrap();
    assert_eq!(first.closed().await, 4_001);
    second.until("heartbeat").await;
    office.stays_awake().await;
    let list = office.anna.browser.get("/api/stations").await.ok();
    let path = format!("/api/stations/{}", list["stations"][0]["id"].as_str().unwrap());
    let names = office.anna.browser.put(&path, json!({"privacy": "none"})).await.ok();
    assert_eq!(names["privacy"], "none");
    assert_eq!(office.anna.browser.delete(&path).await.status, 204);
    assert_eq!(second.closed().await, 4_002);
    assert!(screen.live().await.is_none());
    office.anna.browser.delete(&path).await.refused(404, "not_found");
}

#[tokio::test]
async fn its_user_goes_and_it_stays() {
    let mut office = Office::open().await;
    let mut screen = enrolled(&mut office, "wall-1").await;
    let nora = office.hire("nora.lind", "nurse").await;
    nora.signs_in(&office.site, &mut screen).await;
    let mut live: Screen = screen.live().await.unwrap();
    live.until("heartbeat").await;
    office.site.hand.advance_ms(15 * 60_000);
    let session = screen.get("/api/session").await.ok();
    assert_eq!((&session["state"], &session["station"]["name"]), (&json!("none"), &json!("wall-1")));
    live.until("heartbeat").await;
    screen.get("/api/sessions").await.refused(401, "not_signed_in");
}

#[tokio::test]
async fn a_session_of_a_station_is_worth_nothing_elsewhere() {
    let mut office = Office::open().await;
    let mut screen = enrolled(&mut office, "wall-1").await;
    let nora = office.hire("nora.lind", "nurse").await;
    nora.signs_in(&office.site, &mut screen).await;
    let mut elsewhere = Browser::new(&office.site);
    elsewhere.cookies.insert("vigil".to_owned(), screen.token().unwrap().clone());
    assert_eq!(elsewhere.state().await, "none");
    let mut other = enrolled(&mut office, "wall-2").await;
    other.cookies.insert("vigil".to_owned(), screen.token().unwrap().clone());
    assert_eq!(other.state().await, "none");
}

#[tokio::test]
async fn the_wall_stays_whoever_signs_in_before_it() {
    let mut office = Office::open().await;
    let mut screen = enrolled(&mut office, "wall-1").await;
    let eve = office.hire("eve.moor", "auditor").await;
    eve.signs_in(&office.site, &mut screen).await;
    screen.live().await.expect("what the place shows").until("heartbeat").await;
    // It is the wall alone that stays.
    let chart = "/api/vitals?device=bed-01&from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z";
    screen.get(chart).await.refused(403, "missing_permission");
    let mut own = eve.browser.clone();
    own.get("/api/devices").await.refused(403, "missing_permission");
    assert!(own.live().await.is_none(), "no station, and no role that sees one");
}
