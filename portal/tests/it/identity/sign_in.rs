use reqwest::header;
use serde_json::{Value, json};

use super::browser::Browser;
use super::staff::{Office, PASSWORD, command, first_administrator};
use crate::access::events;
use crate::site::Site;

#[tokio::test]
async fn the_token_changes_with_all_that_changes_what_it_is_worth() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let mut browser = Browser::new(&site);
    // A token that somebody planted is never taken over, and one that was thrown away is worth nothing.
    browser.cookies.insert("vigil".to_owned(), "0".repeat(64));
    let mut seen = vec!["0".repeat(64)];
    anna.password_in(&mut browser, PASSWORD).await.ok();
    seen.push(browser.token().unwrap().clone());
    for (path, body) in [
        ("factor", json!({"code": anna.code(&site)})),
        ("step-up", Value::Null),
        ("lock", Value::Null),
        ("unlock", json!({"password": PASSWORD})),
    ] {
        let body = if path == "step-up" { json!({"code": anna.code(&site)}) } else { body };
        browser.post(&format!("/api/session/{path}"), body).await.ok();
        assert!(!seen.contains(browser.token().unwrap()), "{path}");
        seen.push(browser.token().unwrap().clone());
    }
    let newest = seen.pop().unwrap();
    for token in seen {
        browser.cookies.insert("vigil".to_owned(), token);
        assert_eq!(browser.state().await, "none");
    }
    browser.cookies.insert("vigil".to_owned(), newest);
    assert_eq!(browser.state().await, "open");
    let before = browser.token().unwrap().clone();
    anna.password_in(&mut browser, PASSWORD).await.ok();
    browser.cookies.insert("vigil".to_owned(), before);
    assert_eq!(browser.state().await, "none", "whoever signs in again has left the session before");
}

#[tokio::test]
async fn cookies_are_for_this_host_and_no_script() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let mut browser = Browser::new(&site);
    let given = anna.password_in(&mut browser, PASSWORD).await;
    assert_eq!(given.set_cookies.len(), 1);
    let (pair, rest) = given.set_cookies[0].split_once(';').unwrap();
    // Over TLS: transport.rs.
    assert_eq!(rest, " Path=/; HttpOnly; SameSite=Strict");
    let (name, token) = pair.split_once('=').unwrap();
    assert_eq!((name, token.len()), ("vigil", 64));
    anna.signs_in(&site, &mut browser).await;
    let gone = browser.delete("/api/session").await;
    assert_eq!(
        (gone.status, gone.set_cookies[0].as_str()),
        (204, "vigil=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0")
    );
    assert_eq!(browser.state().await, "none");
}

#[tokio::test]
async fn one_factor_opens_nothing() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    let mut browser = Browser::new(&site);
    anna.password_in(&mut browser, PASSWORD).await.ok();
    for path in ["/api/users", "/api/sessions", "/api/devices", "/api/grants", "/api/stations"] {
        browser.get(path).await.refused(401, "not_signed_in");
    }
    for (path, body) in [
        ("/api/session/step-up", json!({"code": anna.code(&site)})),
        ("/api/session/unlock", json!({"password": PASSWORD})),
        ("/api/session/lock", Value::Null),
        ("/api/session/input", Value::Null),
    ] {
        browser.post(path, body).await.refused(401, "not_signed_in");
    }
    assert!(browser.live().await.is_none());
    browser.put("/api/me/pin", json!({"pin": "271828"})).await.refused(401, "not_signed_in");
    assert_eq!(anna.browser.state().await, "open");
    site.hand.advance_ms(5 * 60_000);
    let late = json!({"code": anna.code(&site)});
    browser.post("/api/session/factor", late).await.refused(401, "not_signed_in");
}

#[tokio::test]
async fn a_code_is_good_once() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let (mut one, mut other) = (Browser::new(&site), Browser::new(&site));
    for browser in [&mut one, &mut other] {
        anna.password_in(browser, PASSWORD).await.ok();
    }
    let code = json!({"code": anna.code(&site)});
    one.post("/api/session/factor", code.clone()).await.ok();
    other.post("/api/session/factor", code).await.refused(401, "wrong_code");
    let recovery = json!({"code": anna.recovery[3].to_lowercase()});
    other.post("/api/session/factor", recovery.clone()).await.ok();
    let mut third = Browser::new(&site);
    anna.password_in(&mut third, PASSWORD).await.ok();
    third.post("/api/session/factor", recovery).await.refused(401, "wrong_code");
    third.post("/api/session/factor", json!({"code": anna.recovery[4]})).await.ok();
}

#[tokio::test]
async fn of_two_who_give_one_code_at_once_one_is_let_in() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let mut browsers = Vec::new();
    for _ in 0..6 {
        let mut browser = Browser::new(&site);
        anna.password_in(&mut browser, PASSWORD).await.ok();
        browsers.push(browser);
    }
    let code = json!({"code": anna.code(&site)});
    let tries = browsers.into_iter().map(|mut browser| {
        let code = code.clone();
        tokio::spawn(async move { browser.post("/api/session/factor", code).await.status })
    });
    let mut let_in = 0;
    for tried in tries.collect::<Vec<_>>() {
        let_in += usize::from(tried.await.unwrap() == 200);
    }
    assert_eq!(let_in, 1);
}

#[tokio::test]
async fn nobody_learns_who_has_an_account() {
    let mut office = Office::open().await;
    let gone = office.hire("gone.away", "scheduler").await;
    office.anna.browser.post(&format!("/api/users/{}/disable", gone.id), Value::Null).await.ok();
    let site = &office.site;
    let body = |login: &str| json!({"login": login, "password": "not-the-right-one-42"});
    let mut answers = Vec::new();
    for login in ["anna.berg", "nobody.here", "gone.away", "Anna.Berg ", "", "'; --"] {
        let mut browser = Browser::new(site);
        let answer = browser.post("/api/session", body(login)).await;
        answers.push((answer.status, answer.body, answer.set_cookies, answer.retry_after));
    }
    assert_eq!((answers[0].0, &answers[0].1["code"]), (401, &json!("wrong_credentials")));
    for answer in &answers[1..] {
        assert_eq!(answer, &answers[0]);
    }
    let left = gone.password_in(&mut Browser::new(site), PASSWORD).await;
    assert_eq!((left.status, &left.body), (401, &answers[0].1), "whoever was disabled has no right password");
}

#[tokio::test]
async fn foreign_hosts_and_origins_sign_nobody_in() {
    let site = Site::open().await;
    let mut anna = first_administrator(&site).await;
    let client = reqwest::Client::new();
    let cookie = format!("vigil={}", anna.browser.token().unwrap());
    let port = site.address.port();
    for (host, origin, code) in [
        ("evil.example".to_owned(), None, "foreign_host"),
        (format!("localhost:{port}"), Some("http://evil.example".to_owned()), "foreign_origin"),
        (format!("localhost:{port}"), Some("null".to_owned()), "foreign_origin"),
        (format!("localhost:{port}"), Some(format!("http://localhost:{}", port ^ 1)), "foreign_origin"),
    ] {
        for (path, body) in [
            ("/api/session", json!({"login": anna.login, "password": PASSWORD})),
            ("/api/session/lock", json!({})),
            ("/api/users", json!({"login": "evil", "display_name": "Evil"})),
        ] {
            let request = client.post(site.url(path)).header(header::HOST, &host).header(header::COOKIE, &cookie);
            let request = match &origin {
                Some(origin) => request.header(header::ORIGIN, origin),
                None => request,
            };
            let answer = request.json(&body).send().await.unwrap();
            assert_eq!(answer.status(), 403, "{path} {host} {origin:?}");
            assert_eq!(answer.json::<Value>().await.unwrap()["code"], code);
        }
    }
    assert_eq!(anna.browser.state().await, "open");
}

#[tokio::test]
async fn a_clock_that_jumped_ahead_and_back_keeps_nobody_out() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    site.hand.run_ahead_ms(3_600_000);
    let mut browser = Browser::new(&site);
    anna.signs_in(&site, &mut browser).await;
    let code = command(&site).demo_code("anna.berg").await;
    assert!(matches!(code, Err(portal::command::Error::LiveRealm)), "{code:?}");
}

#[tokio::test]
async fn what_is_no_line_of_text_is_refused_before_anybody_is_asked() {
    let mut office = Office::open().await;
    let mut browser = Browser::new(&office.site);
    let odd = "anna\u{0}berg";
    let sign_in = json!({"login": odd, "password": PASSWORD});
    browser.post("/api/session", sign_in).await.refused(400, "invalid_login");
    let pin = json!({"login": odd, "pin": "271828"});
    browser.post("/api/session/pin", pin).await.refused(400, "invalid_login");
    let anna = &mut office.anna.browser;
    let user = json!({"login": "gil.roe", "display_name": odd});
    anna.post("/api/users", user).await.refused(400, "invalid_name");
    let station = json!({"name": odd, "mode": "wall", "location_id": uuid::Uuid::nil()});
    anna.post("/api/stations", station).await.refused(400, "invalid_name");
}

#[tokio::test]
async fn what_is_asked_of_a_session_that_is_none_is_refused_and_written_down() {
    let site = Site::open().await;
    let mut nobody = Browser::new(&site);
    let body = json!({"code": "123456"});
    for (path, body) in [
        ("lock", serde_json::Value::Null),
        ("unlock", json!({"pin": "271828"})),
        ("step-up", body.clone()),
        ("factor", body),
        ("input", serde_json::Value::Null),
    ] {
        let before = crate::access::events(&site.database).await;
        nobody.post(&format!("/api/session/{path}"), body).await.refused(401, "not_signed_in");
        assert_eq!(crate::access::events(&site.database).await - before, 1, "{path}");
    }
}

/// Each is an event of its own, so that each waits for its own commit: how long it takes tells nobody who has an account.
#[tokio::test]
async fn whoever_is_denied_waits_as_long_whether_there_is_such_a_user() {
    let site = Site::open().await;
    let anna = first_administrator(&site).await;
    let mut browser = Browser::new(&site);
    for login in ["nobody.one", "nobody.two", "nobody.one", &anna.login, &anna.login] {
        let before = events(&site.database).await;
        let body = json!({"login": login, "password": "not-the-Password-31"});
        browser.post("/api/session", body).await.refused(401, "wrong_credentials");
        assert_eq!(events(&site.database).await - before, 1, "{login}");
    }
}
