use serde_json::{Value, json};

use super::browser::Browser;
use super::staff::{Office, first_administrator, invited};
use crate::site::Site;

#[tokio::test]
async fn one_sees_and_ends_ones_own_and_nobody_elses() {
    let mut office = Office::open().await;
    let Office { site, anna, bert } = &mut office;
    let mut elsewhere = Browser::new(site);
    anna.signs_in(site, &mut elsewhere).await;
    let sessions = anna.browser.get("/api/sessions").await.ok()["sessions"].clone();
    let sessions = sessions.as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let (current, other) = (&sessions[1], &sessions[0]);
    assert_eq!((&current["current"], &other["current"]), (&Value::Bool(true), &Value::Bool(false)));
    assert_eq!((other["address"].as_str(), &other["factors"][1]), (Some("127.0.0.1"), &Value::from("totp")));
    let path = format!("/api/sessions/{}", other["id"].as_str().unwrap());
    bert.browser.delete(&path).await.refused(404, "not_found");
    assert_eq!(elsewhere.state().await, "open");
    assert_eq!(anna.browser.delete(&path).await.status, 204);
    assert_eq!(elsewhere.state().await, "none");
    anna.browser.delete(&path).await.refused(404, "not_found");
    anna.signs_in(site, &mut elsewhere).await;
    assert_eq!(anna.browser.delete("/api/sessions/others").await.status, 204);
    assert_eq!((anna.browser.state().await.as_str(), elsewhere.state().await.as_str()), ("open", "none"));
}

#[tokio::test]
async fn an_open_socket_ends_with_its_session() {
    let mut office = Office::open().await;
    let mut nurse = office.hire("nora.lind", "nurse").await;
    let mut elsewhere = Browser::new(&office.site);
    nurse.signs_in(&office.site, &mut elsewhere).await;
    let (mut kept, mut ended) = (nurse.browser.live().await.unwrap(), elsewhere.live().await.unwrap());
    // Until both have been looked at once, so that only news can end one.
    for _ in 0..3 {
        kept.until("heartbeat").await;
        ended.until("heartbeat").await;
    }
    assert_eq!(nurse.browser.delete("/api/sessions/others").await.status, 204);
    assert_eq!(ended.closed().await, 4_002);
    kept.until("heartbeat").await;
    office.stays_awake().await;
    let disable = format!("/api/users/{}/disable", nurse.id);
    office.anna.browser.post(&disable, Value::Null).await.ok();
    assert_eq!(kept.closed().await, 4_002);
    assert!(nurse.browser.live().await.is_none());
}

#[tokio::test]
async fn an_open_socket_ends_with_the_role_that_it_needs() {
    let mut office = Office::open().await;
    let mut nurse = office.hire("nora.lind", "nurse").await;
    office.employ(&nurse, "auditor").await;
    let mut live = nurse.browser.live().await.unwrap();
    // Until it has been looked at once, so that only news can end it.
    for _ in 0..3 {
        live.until("heartbeat").await;
    }
    office.site.hand.advance_ms(1_000);
    let held = office.anna.browser.get(&format!("/api/grants?user={}", nurse.id)).await.ok();
    let clinical = held["grants"].as_array().unwrap().iter().find(|grant| grant["role"] == "nurse").unwrap();
    let path = format!("/api/grants/{}", clinical["id"].as_str().unwrap());
    assert_eq!(office.anna.browser.delete(&path).await.status, 204);
    assert_eq!(live.closed().await, 4_002);
    assert_eq!(nurse.browser.state().await, "open");
}

#[tokio::test]
async fn an_open_socket_ends_when_nobody_is_there() {
    let mut office = Office::open().await;
    let nurse = office.hire("nora.lind", "nurse").await;
    let mut live = nurse.browser.live().await.unwrap();
    live.until("heartbeat").await;
    office.site.hand.advance_ms(15 * 60_000);
    assert_eq!(live.closed().await, 4_003);
}

#[tokio::test]
async fn who_left_is_gone_at_once_and_everywhere() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let (mut one, mut copy) = (Browser::new(&site), Browser::new(&site));
    anna.signs_in(&site, &mut one).await;
    copy.cookies = one.cookies.clone();
    one.delete("/api/session").await.ok();
    assert_eq!(copy.state().await, "none");
}

#[tokio::test]
async fn an_open_socket_ends_with_the_role_that_let_it_in() {
    let mut office = Office::open().await;
    let nora = invited(&office.site, &mut office.anna, "nora.lind").await;
    let nurse = office.employ(&nora, "nurse").await;
    let mut live = nora.browser.live().await.unwrap();
    // Until it has been looked at once, so that only news can end it.
    for _ in 0..3 {
        live.until("heartbeat").await;
    }
    // A grant lasts a moment, and this clock stands still.
    office.site.hand.advance_ms(1);
    let end = format!("/api/grants/{}", nurse["id"].as_str().unwrap());
    assert_eq!(office.bert.browser.delete(&end).await.status, 204);
    assert_eq!(live.closed().await, 4_002);
    assert!(nora.browser.live().await.is_none());

    // And where it ends by itself, though nobody says so.
    let until = office.site.clock.now().plus_millis(60_000);
    let body = json!({"user_id": nora.id, "role": "physician", "until": until});
    let proposed = office.anna.browser.post("/api/grants", body).await.ok();
    let approve = format!("/api/grants/{}/approve", proposed["id"].as_str().unwrap());
    office.bert.browser.post(&approve, Value::Null).await.ok();
    let mut live = nora.browser.live().await.unwrap();
    for _ in 0..3 {
        live.until("heartbeat").await;
    }
    // Whatever is on its way is read before: what follows is counted from here.
    live.until("heartbeat").await;
    office.site.hand.set(until);
    let (code, seconds) = live.closed_after().await;
    assert_eq!(code, 4_002);
    // One, and one more of a slow machine; nobody says so, and without a look of its own it would be thirty.
    assert!(seconds <= 2, "it was seen for {seconds} s more");
    assert!(nora.browser.live().await.is_none());
}

#[tokio::test]
async fn a_locked_screen_finds_its_wall_again_and_nothing_else() {
    let mut office = Office::open().await;
    let mut nora = office.hire("nora.lind", "nurse").await;
    office.site.hand.advance_ms(5 * 60_000);
    assert_eq!(nora.browser.state().await, "locked");
    nora.browser.get("/api/devices").await.refused(401, "not_signed_in");
    nora.browser.live().await.expect("alarms stay").until("heartbeat").await;
    // Half of two factors opens nothing.
    let mut half = Browser::new(&office.site);
    nora.password_in(&mut half, super::staff::PASSWORD).await.ok();
    assert!(half.live().await.is_none());
}
