use serde_json::Value;

use super::browser::Browser;
use super::staff::{Office, first_administrator};
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
