//! `Idempotency-Key`: what is asked for twice is done once, and answered alike.

use reqwest::header;
use serde_json::{Value, json};
use store::testing::Person;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::access::events;
use crate::people::somebody;
use crate::site::Site;

const KEY: &str = "3f1b2c7e-0d53-4a5e-9d0a-7719004218aa";

/// Status, ETag and bytes.
type Told = (u16, Option<String>, String);

fn post(site: &Site, person: &Person, path: &str, key: &str, body: &Value) -> reqwest::RequestBuilder {
    let request = reqwest::Client::new().post(site.url(path)).header(header::COOKIE, person.cookie());
    request.header("idempotency-key", key).json(body)
}

async fn told(request: reqwest::RequestBuilder) -> Told {
    let response = request.send().await.unwrap();
    let tag = response.headers().get(header::ETAG).map(|tag| tag.to_str().unwrap().to_owned());
    (response.status().as_u16(), tag, response.text().await.unwrap())
}

fn code((status, _, text): &Told) -> (u16, String) {
    let problem: Value = serde_json::from_str(text).unwrap();
    (*status, problem["code"].as_str().unwrap_or_default().to_owned())
}

fn named(login: &str) -> Value {
    json!({"login": login, "display_name": "Somebody"})
}

async fn count(site: &Site, sql: &str) -> i64 {
    site.database.pool().get().await.unwrap().query_one(sql, &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn what_comes_again_is_answered_with_the_same_bytes_and_done_once() {
    let site = Site::open().await;
    let (anna, bert) =
        (somebody(&site.database, "administrator").await, somebody(&site.database, "administrator").await);
    let before = events(&site.database).await;
    let first = told(post(&site, &anna, "/api/users", KEY, &named("nora.lind"))).await;
    assert_eq!((first.0, first.1.as_deref()), (201, Some("\"1\"")), "{}", first.2);
    let token = serde_json::from_str::<Value>(&first.2).unwrap()["token"].as_str().unwrap().to_owned();
    // Its fields in another order are no other request.
    let again = json!({"display_name": "Somebody", "login": "nora.lind"});
    assert_eq!(told(post(&site, &anna, "/api/users", KEY, &again)).await, first);
    assert_eq!(events(&site.database).await - before, 2, "that it was shown again is written down too");
    assert_eq!(count(&site, "SELECT count(*) FROM users WHERE login = 'nora.lind'").await, 1);
    assert_eq!(count(&site, "SELECT count(*) FROM one_time_codes").await, 1);

    let other = told(post(&site, &anna, "/api/users", KEY, &named("nora.lund"))).await;
    assert_eq!(code(&other), (422, "idempotency_key_reused".to_owned()));
    // Somebody else's key of the same name, and the same one elsewhere, are others.
    let his = told(post(&site, &bert, "/api/users", KEY, &named("nora.lind"))).await;
    assert_eq!(code(&his), (409, "login_taken".to_owned()));
    let user = somebody(&site.database, "biller").await.user;
    let grant = json!({"user_id": user, "role": "scheduler"});
    assert_eq!(told(post(&site, &anna, "/api/grants", KEY, &grant)).await.0, 201);

    let rows = "SELECT string_agg(encode(response_sealed, 'escape') || request_hash::text, ' ') FROM idempotency";
    let kept: String = site.database.pool().get().await.unwrap().query_one(rows, &[]).await.unwrap().get(0);
    assert!(!kept.contains(&token) && !kept.contains("nora"), "{kept}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_at_once_one_does_it() {
    let site = Site::open().await;
    let anna = somebody(&site.database, "administrator").await;
    let mut asked = JoinSet::new();
    for _ in 0..12 {
        asked.spawn(told(post(&site, &anna, "/api/users", KEY, &named("nora.lind"))));
    }
    let all = asked.join_all().await;
    let done: Vec<_> = all.iter().filter(|told| told.0 == 201).collect();
    assert!(!done.is_empty() && done.iter().all(|told| *told == done[0]), "{all:?}");
    for told in all.iter().filter(|told| told.0 != 201) {
        assert_eq!(code(told), (409, "in_flight".to_owned()));
    }
    assert_eq!(told(post(&site, &anna, "/api/users", KEY, &named("nora.lind"))).await, *done[0]);
    assert_eq!(count(&site, "SELECT count(*) FROM users WHERE login = 'nora.lind'").await, 1);
}

#[tokio::test]
async fn what_was_refused_may_be_asked_again_and_what_broke_off_is_never_done_twice() {
    let site = Site::open().await;
    let anna = somebody(&site.database, "administrator").await;
    assert_eq!(told(post(&site, &anna, "/api/users", "first", &named("nora.lind"))).await.0, 201);
    let taken = told(post(&site, &anna, "/api/users", KEY, &named("nora.lind"))).await;
    assert_eq!(code(&taken), (409, "login_taken".to_owned()));
    assert_eq!(told(post(&site, &anna, "/api/users", KEY, &named("nora.lund"))).await.0, 201, "nothing was kept");
    for (key, body, expected) in [
        ("x".repeat(256).as_str(), named("n"), "invalid_idempotency_key"),
        ("", named("n"), "invalid_idempotency_key"),
        ("other", json!({"login": "n"}), "invalid_body"),
    ] {
        assert_eq!(code(&told(post(&site, &anna, "/api/users", key, &body)).await), (400, expected.to_owned()));
    }

    // As a crash leaves it between the creation and its answer.
    let db = site.database.pool().get().await.unwrap();
    let lost = "UPDATE idempotency SET response_sealed = NULL WHERE key_hash = sha256('first')";
    assert_eq!(db.execute(lost, &[]).await.unwrap(), 1);
    let again = told(post(&site, &anna, "/api/users", "first", &named("nora.lind"))).await;
    assert_eq!(code(&again), (409, "in_flight".to_owned()));
}

#[tokio::test]
async fn an_answer_is_kept_for_a_quarter_of_an_hour() {
    let site = Site::open().await;
    let anna = somebody(&site.database, "administrator").await;
    // He gives a fresh code now and then.
    let fresh = "UPDATE sessions SET stepped_up_at = expires_at";
    site.database.pool().get().await.unwrap().execute(fresh, &[]).await.unwrap();
    let old = Uuid::now_v7().to_string();
    told(post(&site, &anna, "/api/users", &old, &named("vera.holm"))).await;
    let first = told(post(&site, &anna, "/api/users", KEY, &named("nora.lind"))).await;
    site.hand.advance_ms(15 * 60_000 - 1);
    assert_eq!(told(post(&site, &anna, "/api/users", KEY, &named("nora.lind"))).await, first);
    site.hand.advance_ms(1);
    let later = told(post(&site, &anna, "/api/users", KEY, &named("nora.lind"))).await;
    assert_eq!(code(&later), (409, "login_taken".to_owned()));
    assert_eq!(told(post(&site, &anna, "/api/users", KEY, &named("nora.lund"))).await.0, 201);
    assert_eq!(count(&site, "SELECT count(*) FROM idempotency").await, 1, "those that ended are removed");
}
