use std::collections::BTreeSet;

use portal::{Config, Error, Transport};
use reqwest::header;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_util::sync::CancellationToken;
use vitals::{DeviceKind, Parameter, Realm, What};

use crate::people::Patient;
use crate::screen::Screen;
use crate::site::{Site, T0, enrol, step};

#[tokio::test]
async fn foreign_hosts_and_origins_are_refused_everywhere() {
    let site = Site::open().await;
    let port = site.address.port();
    let client = reqwest::Client::new();
    for (host, origin, expected) in [
        (format!("127.0.0.1:{port}"), None, None),
        (format!("localhost:{port}"), Some(format!("http://localhost:{port}")), None),
        (format!("[::1]:{port}"), Some(format!("http://[::1]:{port}")), None),
        (format!("rebound.example:{port}"), None, Some("foreign_host")),
        (format!("127.0.0.1.example:{port}"), None, Some("foreign_host")),
        (format!("localhost:{port}"), Some("http://evil.example".to_owned()), Some("foreign_origin")),
        (format!("localhost:{port}"), Some(format!("http://localhost:{}", port ^ 1)), Some("foreign_origin")),
        (format!("localhost:{port}"), Some("null".to_owned()), Some("foreign_origin")),
    ] {
        for path in ["/healthz", "/api/devices", "/live", "/"] {
            let mut request = client.get(site.url(path)).header(header::HOST, &host);
            request = request.header(header::COOKIE, site.nurse.cookie());
            if let Some(origin) = &origin {
                request = request.header(header::ORIGIN, origin);
            }
            let response = request.send().await.unwrap();
            assert_eq!(response.status() == 403, expected.is_some(), "{path} {host} {origin:?}");
            if let Some(code) = expected {
                assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json");
                assert_eq!(response.json::<Value>().await.unwrap()["code"], code);
            }
        }
    }
    let mut handshake = format!("ws://{}/live", site.address).into_client_request().unwrap();
    handshake.headers_mut().insert("origin", HeaderValue::from_static("http://evil.example"));
    let refused = tokio_tungstenite::connect_async(handshake).await.unwrap_err();
    assert!(refused.to_string().contains("403"), "{refused}");
}

#[tokio::test]
async fn only_loopback_is_served() {
    let site = Site::open().await;
    let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = portal::run(Config::default(), site.deps(), everywhere, site.stop.clone()).await;
    assert!(matches!(refused, Err(Error::NotLoopback(_))));
}

#[tokio::test]
async fn a_standby_says_so_until_it_serves_on_the_same_listener() {
    let site = Site::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, over) = (listener.local_addr().unwrap(), CancellationToken::new());
    // One client, which would go on with the connection that it has.
    let client = reqwest::Client::new();
    let get = async |path: &str| {
        let request = client.get(format!("http://{address}{path}")).header(header::COOKIE, site.nurse.cookie());
        request.send().await.unwrap()
    };
    let asking = async {
        assert_eq!(get("/healthz").await.status(), 200);
        for path in ["/readyz", "/metrics", "/api/devices", "/live", "/", "/nothing"] {
            let answer = get(path).await;
            assert_eq!(answer.status(), 503, "{path}");
            assert_eq!(answer.json::<Value>().await.unwrap()["code"], "standby", "{path}");
        }
        over.cancel();
    };
    let (stood, ()) = tokio::join!(portal::stand_by(&listener, &Transport::Plain, &over), asking);
    stood.unwrap();
    tokio::spawn(portal::run(Config::default(), site.deps(), listener, site.stop.clone()));
    assert_eq!(get("/api/devices").await.status(), 200);
}

#[tokio::test]
async fn every_declared_endpoint_answers() {
    let site = Site::open().await;
    let document = site.json("/openapi.json").await;
    let paths: BTreeSet<_> = document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    let served = [
        "/api/alarms",
        "/api/audit",
        "/api/audit/export.csv",
        "/api/audit/export.json",
        "/api/break-glass",
        "/api/break-glass/{id}/review",
        "/api/devices",
        "/api/disclosures/{patient}",
        "/api/grants",
        "/api/grants/{id}",
        "/api/grants/{id}/approve",
        "/api/me/password",
        "/api/me/pin",
        "/api/me/recovery-codes",
        "/api/me/totp",
        "/api/parameters",
        "/api/patients/{id}",
        "/api/session",
        "/api/session/factor",
        "/api/session/input",
        "/api/session/lock",
        "/api/session/pin",
        "/api/session/step-up",
        "/api/session/unlock",
        "/api/sessions",
        "/api/sessions/others",
        "/api/sessions/{id}",
        "/api/station",
        "/api/station/renew",
        "/api/stations",
        "/api/stations/{id}",
        "/api/stations/{id}/code",
        "/api/transport",
        "/api/users",
        "/api/users/{id}/disable",
        "/api/vitals",
        "/api/welcome",
        "/api/welcome/begin",
        "/api/welcome/finish",
        "/healthz",
        "/live",
        "/openapi.json",
        "/readyz",
    ];
    assert_eq!(paths, BTreeSet::from(served));
    // There, and not to be seen: 403.
    let patient = Patient::admit(&site.database).await.id.to_string();
    for path in paths {
        let nobody = uuid::Uuid::nil().to_string();
        let id = if path.starts_with("/api/patients/") { &patient } else { &nobody };
        let (declared, path) = (&document["paths"][path], &path.replace("{patient}", &nobody).replace("{id}", id));
        let status = site.get(path).await.status();
        match declared["get"].is_object() {
            true => assert!(status != 404 && status != 405, "{path} answers {status}"),
            false => assert_eq!(status, 405, "{path}"),
        }
        assert_eq!(reqwest::Client::new().patch(site.url(path)).send().await.unwrap().status(), 405, "{path}");
    }
    let text = document.to_string();
    for (at, _) in text.match_indices("#/components/schemas/") {
        let name = text[at + 21..].split('"').next().unwrap();
        assert!(document["components"]["schemas"][name].is_object(), "{name} is referred to and not described");
    }
}

#[tokio::test]
async fn problems_carry_a_stable_code() {
    let site = Site::open().await;
    let span = "from=2026-11-23T10:00:00Z&to=2026-11-23T11:00:00Z";
    for (path, status, code) in [
        ("/api/nothing".to_owned(), 404, "not_found"),
        ("/api/devices/bed-01".to_owned(), 404, "not_found"),
        ("/nothing.js".to_owned(), 404, "not_found"),
        ("/metrics".to_owned(), 404, "not_found"),
        ("/live".to_owned(), 400, "websocket_expected"),
        ("/readyz".to_owned(), 503, "not_ready"),
        ("/api/vitals".to_owned(), 400, "invalid_query"),
        (format!("/api/vitals?device=bed-01&{span}&steps=60"), 400, "invalid_query"),
        (format!("/api/vitals?device=bed-01&{span}&step=0"), 400, "invalid_step"),
        (format!("/api/vitals?device=bed-99&{span}"), 404, "unknown_device"),
        ("/api/vitals?device=bed-01&from=2026-11-23T10:00:00Z&to=2026-11-23T10:00:00Z".to_owned(), 400, "invalid_span"),
        ("/api/alarms?state=asleep".to_owned(), 400, "invalid_query"),
        ("/api/alarms?limit=0".to_owned(), 400, "invalid_limit"),
        ("/api/alarms?cursor=%F0%9F%98%80".to_owned(), 400, "invalid_cursor"),
    ] {
        let response = site.get(&path).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/problem+json", "{path}");
        assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        let problem: Value = response.json().await.unwrap();
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{path}");
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_a_problem_and_not_a_hang() {
    let site = Site::open().await;
    let admin = store::connect(site.database.url(), "test").await.unwrap();
    admin.batch_execute("ALTER TABLE vitals RENAME TO elsewhere").await.unwrap();
    let response = site.get("/api/devices").await;
    assert_eq!(response.status(), 503);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "database_away");
    assert_eq!(site.get("/healthz").await.status(), 200);
}

#[tokio::test]
async fn devices_tell_who_is_connected_and_when_each_was_heard() {
    let site = Site::open().await;
    enrol(&site.database, "gate-1", DeviceKind::Gateway, Realm::Live).await;
    let db = site.database.pool().get().await.unwrap();
    let insert = "INSERT INTO vitals (at, received_at, device_key, flags, hr)
        SELECT at, at + interval '1 s', $1, 3, 72 FROM (SELECT '2026-11-23T09:59:00Z'::timestamptz AS at) t";
    db.execute(insert, &[&site.beds[1].0]).await.unwrap();
    site.hub.presence(site.beds[0], true, T0);
    site.hub.show(&[site.frame(0, Parameter::Hr, 72.0)], 0);
    let mut screen = Screen::watching(&site).await;
    while screen.until("roster").await["devices"].as_array().unwrap().len() != 3 {}
    let devices = loop {
        let devices = site.json("/api/devices").await["devices"].clone();
        if devices.as_array().unwrap().len() == 4 {
            break devices;
        }
    };
    assert_eq!((&devices[0]["connected"], &devices[0]["last_received_at"]), (&json!(true), &json!(T0)));
    assert_eq!(
        (&devices[1]["connected"], &devices[1]["last_received_at"]),
        (&json!(false), &json!("2026-11-23T09:59:01Z"))
    );
    assert_eq!((&devices[2]["realm"], &devices[2]["last_received_at"]), (&json!("demo"), &Value::Null));
    assert_eq!(devices[3]["kind"], "gateway");
    assert_eq!(site.json("/api/parameters").await["parameters"].as_array().unwrap().len(), Parameter::COUNT);
}

#[tokio::test]
async fn a_chart_has_at_most_two_thousand_points() {
    let site = Site::open().await;
    let db = site.database.pool().get().await.unwrap();
    let insert = "INSERT INTO vitals (at, received_at, device_key, flags, hr)
        SELECT at, at, $1, 3, 70 + extract(second FROM at)::int % 2
        FROM generate_series('2026-11-23T06:00:00Z'::timestamptz, '2026-11-23T09:59:59Z', '1 s') at";
    db.execute(insert, &[&site.beds[0].0]).await.unwrap();
    // As ingest leaves it before the roll-up came by.
    let mark = "INSERT INTO vitals_dirty SELECT DISTINCT device_key, date_trunc('minute', at) FROM vitals";
    db.execute(mark, &[]).await.unwrap();
    for (step, least_ms) in [("", 8_000), ("&step=1", 8_000), ("&step=30", 30_000), ("&step=60", 60_000)] {
        let path = format!("/api/vitals?device=bed-01&from=2026-11-23T06:00:00Z&to=2026-11-23T10:00:00Z{step}");
        let chart = site.json(&path).await;
        let times = chart["times_ms"].as_array().unwrap();
        let series = &chart["series"][0];
        assert!((1..=2_000).contains(&times.len()), "{} points", times.len());
        assert!(chart["step_ms"].as_i64().unwrap() >= least_ms, "{path} gave {}", chart["step_ms"]);
        assert_eq!((&series["parameter"], &series["unit"]), (&json!("hr"), &json!("/min")));
        assert_eq!(series["mean"].as_array().unwrap().len(), times.len());
        assert_eq!((&series["min"][0], &series["max"][0]), (&json!(70.0), &json!(71.0)));
        let counts: i64 = series["count"].as_array().unwrap().iter().filter_map(Value::as_i64).sum();
        assert_eq!(counts, 4 * 3_600, "{path}");
    }
}

#[tokio::test]
async fn alarms_page_from_the_newest_and_none_comes_twice() {
    let site = Site::open().await;
    let db = &mut site.database.pool().get().await.unwrap();
    let mut steps: Vec<_> = (1..=7).map(|seq| step(seq, Some(site.beds[0]), seq / 2, What::Raised)).collect();
    steps.extend((1..=3).map(|alarm| step(7 + alarm, Some(site.beds[1]), alarm, What::Raised)));
    steps.push(step(11, Some(site.beds[1]), 2, What::Cleared));
    store::alarms::begin_epoch(db, T0).await.unwrap();
    store::alarms::save(db, &steps).await.unwrap();
    let (mut path, mut seen) = ("/api/alarms?limit=2".to_owned(), Vec::new());
    loop {
        let page = site.json(&path).await;
        seen.extend(page["alarms"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/alarms?limit=2&cursor={next}");
    }
    let ids: BTreeSet<_> = seen.iter().map(|alarm| alarm["id"].to_string()).collect();
    assert_eq!((ids.len(), seen.len()), (7, 7));
    assert!(seen.is_sorted_by(|newer, older| newer["raised_at"].as_str() >= older["raised_at"].as_str()));
    let ended: Vec<_> = seen.iter().filter(|alarm| !alarm["ended_at"].is_null()).collect();
    assert_eq!(ended.len(), 1);
    let expected = json!({
        "id": step(11, Some(site.beds[1]), 2, What::Cleared).alarm,
        "device": "bed-02", "code": "hr_high", "kind": "physiological", "priority": "medium", "parameter": "hr",
        "bound": "upper", "limit": 120.0, "value": 134.0, "unit": "/min", "text": "HR 134 > 120", "simulated": false,
        "onset_at": T0.plus_millis(2_000), "raised_at": T0.plus_millis(12_000), "ended_at": T0.plus_millis(14_000),
    });
    assert_eq!(*ended[0], expected);
    let active = site.json("/api/alarms?state=active").await;
    assert_eq!((active["alarms"].as_array().unwrap().len(), &active["next"]), (6, &Value::Null));
}

#[tokio::test]
async fn every_answer_is_hardened_and_the_ui_answers_its_own_paths() {
    let site = Site::open().await;
    for path in ["/", "/devices/bed-01", "/healthz", "/nothing.js"] {
        let response = site.get(path).await;
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
        assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"), "{path}");
        assert_eq!(response.headers()[header::REFERRER_POLICY], "no-referrer");
    }
    assert_eq!(site.get("/healthz").await.headers()[header::CACHE_CONTROL], "no-store");
    let page = site.get("/devices/bed-01").await;
    if page.status() == 404 {
        // The UI is built apart from this crate.
        assert_eq!(page.json::<Value>().await.unwrap()["code"], "ui_not_built");
        return;
    }
    let tag = page.headers()[header::ETAG].clone();
    assert_eq!(page.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
    let again = reqwest::Client::new().get(site.url("/")).header(header::IF_NONE_MATCH, tag).send().await.unwrap();
    assert_eq!(again.status(), 304);
}
