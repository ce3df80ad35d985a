use portal::command::Error;
use serde_json::json;

use super::browser::Browser;
use super::staff::{Member, PASSWORD, command, first_administrator};
use crate::site::Site;

#[tokio::test]
async fn a_link_is_good_once() {
    let site = Site::open().await;
    let link = command(&site).first_administrator(false).await.unwrap();
    let mut anna = Member::welcomed(&site, &link.token, "anna.berg").await;
    anna.browser.get("/api/users").await.ok();
    let mut other = Browser::new(&site);
    other.post("/api/welcome", json!({"token": *link.token})).await.refused(404, "unknown_link");
    let again = json!({"token": *link.token, "password": PASSWORD, "login": "eve", "display_name": "Eve"});
    other.post("/api/welcome/begin", again).await.refused(404, "unknown_link");
    let finish = json!({"token": *link.token, "code": anna.code(&site)});
    other.post("/api/welcome/finish", finish).await.refused(404, "unknown_link");
}

#[tokio::test]
async fn it_lasts_a_quarter_of_an_hour_and_another_voids_it() {
    let site = Site::open().await;
    let first = command(&site).first_administrator(false).await.unwrap();
    let mut browser = Browser::new(&site);
    browser.post("/api/welcome", json!({"token": *first.token})).await.ok();
    let second = command(&site).first_administrator(false).await.unwrap();
    browser.post("/api/welcome", json!({"token": *first.token})).await.refused(404, "unknown_link");
    site.hand.advance_ms(15 * 60_000 - 1);
    browser.post("/api/welcome", json!({"token": *second.token})).await.ok();
    site.hand.advance_ms(1);
    browser.post("/api/welcome", json!({"token": *second.token})).await.refused(404, "unknown_link");
}

#[tokio::test]
async fn where_there_is_an_administrator_only_the_host_makes_another() {
    let site = Site::open().await;
    let early = command(&site).first_administrator(false).await.unwrap();
    let mut late = Member::begins(&site, &early.token, "late.one").await;
    let anna = first_administrator(&site).await;
    // Two that are open at once come about only by hand.
    let db = site.database.pool().get().await.unwrap();
    db.execute("UPDATE one_time_codes SET used_at = NULL WHERE user_id <> $1", &[&anna.id]).await.unwrap();
    late.finishes(&site, &early.token).await.refused(409, "administrator_exists");
    assert_eq!(late.browser.state().await, "none");
    assert!(matches!(command(&site).first_administrator(false).await, Err(Error::AdministratorExists)));
    let link = command(&site).first_administrator(true).await.unwrap();
    let mut second = Member::welcomed(&site, &link.token, "carl.ode").await;
    second.browser.get("/api/users").await.ok();
    let events = "SELECT count(*) FROM audit_events WHERE system_part = 'command' AND entity_kind = 'one_time_code'";
    assert_eq!(db.query_one(events, &[]).await.unwrap().get::<_, i64>(0), 3);
}

#[tokio::test]
async fn nothing_that_is_begun_opens_a_session() {
    let site = Site::open().await;
    let link = command(&site).first_administrator(false).await.unwrap();
    let mut browser = Browser::new(&site);
    let weak = json!({"token": *link.token, "password": "short", "login": "anna", "display_name": "Anna"});
    browser.post("/api/welcome/begin", weak).await.refused(400, "weak_password");
    let body = json!({"token": *link.token, "password": PASSWORD, "login": "anna", "display_name": "Anna"});
    browser.post("/api/welcome/begin", body).await.ok();
    let sign_in = json!({"login": "anna", "password": PASSWORD});
    browser.post("/api/session", sign_in).await.refused(401, "wrong_credentials");
    assert!(browser.cookies.is_empty());
}

#[tokio::test]
async fn the_host_lists_and_disables_and_prints_no_code_where_anybody_is_real() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    let lines = command(&site).list().await.unwrap();
    let line = lines.iter().find(|line| line.login == "anna.berg").unwrap();
    assert_eq!(
        (line.login.as_str(), line.status.as_str(), &line.roles[..]),
        ("anna.berg", "active", &["administrator"][..])
    );
    assert!(matches!(command(&site).disable("anna.berg").await, Err(Error::LastAdministrator)));
    assert!(matches!(command(&site).disable("nobody").await, Err(Error::UnknownUser(_))));
    // This site has a live nurse, and live beds.
    assert!(matches!(command(&site).demo_code("anna.berg").await, Err(Error::LiveRealm)));
    let db = site.database.pool().get().await.unwrap();
    let all_demo = "BEGIN; SET LOCAL session_replication_role = replica; UPDATE devices SET realm = 'demo';\n        UPDATE users SET realm = 'demo'; COMMIT";
    db.batch_execute(all_demo).await.unwrap();
    assert_eq!(command(&site).demo_code("anna.berg").await.unwrap(), anna.code_now(&site));
    let link = command(&site).first_administrator(true).await.unwrap();
    Member::welcomed(&site, &link.token, "bert.cole").await;
    command(&site).disable("anna.berg").await.unwrap();
    assert_eq!(anna.browser.state().await, "none");
}

#[tokio::test]
async fn a_name_that_somebody_has_is_refused_at_the_first_try_and_at_the_second() {
    let site = Site::open().await;
    first_administrator(&site).await;
    let link = command(&site).first_administrator(true).await.unwrap();
    let mut browser = Browser::new(&site);
    let with =
        |login: &str| json!({"token": *link.token, "password": PASSWORD, "login": login, "display_name": "Carl"});
    browser.post("/api/welcome/begin", with("anna.berg")).await.refused(409, "login_taken");
    browser.post("/api/welcome/begin", with("carl.ode")).await.ok();
    browser.post("/api/welcome/begin", with("anna.berg")).await.refused(409, "login_taken");
}
