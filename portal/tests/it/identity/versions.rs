//! `ETag` and `If-Match`: nobody changes what he has not seen.

use reqwest::{Method, header};
use serde_json::{Value, json};
use store::testing::Person;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::people::somebody;
use crate::site::Site;

/// Status, ETag and code of what was asked with this tag.
async fn ask(site: &Site, person: &Person, what: &str, tag: &str, body: Value) -> (u16, String, Value) {
    let (method, path) = what.split_once(' ').unwrap();
    let request = reqwest::Client::new().request(method.parse::<Method>().unwrap(), site.url(path));
    let request = request.header(header::COOKIE, person.cookie()).header(header::IF_MATCH, tag);
    let response = if body.is_null() { request } else { request.json(&body) }.send().await.unwrap();
    let tag = response.headers().get(header::ETAG).map(|tag| tag.to_str().unwrap().to_owned());
    (response.status().as_u16(), tag.unwrap_or_default(), response.json().await.unwrap_or_default())
}

async fn station(site: &Site) -> Uuid {
    let (db, org, place, id) =
        (site.database.pool().get().await.unwrap(), Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    let insert = "INSERT INTO organizations (id, realm, kind, name) VALUES ($1, 'live', 'facility', 'Here')";
    db.execute(insert, &[&org]).await.unwrap();
    let insert =
        "INSERT INTO locations (id, realm, org_id, kind, code, tz) VALUES ($1, 'live', $2, 'site', 'H', 'UTC')";
    db.execute(insert, &[&place, &org]).await.unwrap();
    let insert = "INSERT INTO stations (id, realm, location_id, name, mode) VALUES ($1, 'live', $2, 'wall', 'wall')";
    db.execute(insert, &[&id, &place]).await.unwrap();
    id
}

#[tokio::test]
async fn a_change_speaks_of_the_version_that_was_seen() {
    let site = Site::open().await;
    let (anna, station) = (somebody(&site.database, "administrator").await, station(&site).await);
    let (path, names) = (format!("PUT /api/stations/{station}"), json!({"privacy": "names"}));
    for stale in ["\"2\"", "W/\"1\"", "1", "\"0\", \"9\"", "\"one\""] {
        let (status, tag, problem) = ask(&site, &anna, &path, stale, names.clone()).await;
        assert_eq!((status, &problem["code"], tag.as_str()), (412, &json!("changed_meanwhile"), ""), "{stale}");
    }
    let listed = site.get_as(&anna, "/api/stations").await.json::<Value>().await.unwrap();
    assert_eq!((&listed["stations"][0]["privacy"], &listed["stations"][0]["version"]), (&json!("initials"), &json!(1)));
    let (status, tag, shown) = ask(&site, &anna, &path, "\"1\"", names.clone()).await;
    assert_eq!((status, tag.as_str(), &shown["version"]), (200, "\"2\"", &json!(2)));
    assert_eq!(ask(&site, &anna, &path, "\"1\"", json!({"privacy": "none"})).await.0, 412);
    assert_eq!(ask(&site, &anna, &path, "\"7\", \"2\"", json!({"privacy": "none"})).await.1, "\"3\"");
    assert_eq!(ask(&site, &anna, &path, "*", names).await.1, "\"4\"");
    let unknown = format!("PUT /api/stations/{}", Uuid::now_v7());
    assert_eq!(ask(&site, &anna, &unknown, "\"1\"", json!({"privacy": "none"})).await.0, 404);
    let path = format!("DELETE /api/stations/{station}");
    assert_eq!(ask(&site, &anna, &path, "\"3\"", Value::Null).await.0, 412);
    assert_eq!(ask(&site, &anna, &path, "\"4\"", Value::Null).await.0, 204);
}

#[tokio::test]
async fn grants_and_users_are_changed_as_they_were_seen() {
    let site = Site::open().await;
    let (anna, bert) =
        (somebody(&site.database, "administrator").await, somebody(&site.database, "administrator").await);
    let user = somebody(&site.database, "biller").await.user;
    let (status, tag, grant) =
        ask(&site, &anna, "POST /api/grants", "*", json!({"user_id": user, "role": "nurse"})).await;
    assert_eq!((status, tag.as_str()), (201, "\"1\""), "{grant}");
    let id = grant["id"].as_str().unwrap();
    let approve = format!("POST /api/grants/{id}/approve");
    let (status, _, problem) = ask(&site, &bert, &approve, "\"2\"", Value::Null).await;
    assert_eq!((status, &problem["code"]), (412, &json!("changed_meanwhile")));
    let (_, tag, grant) = ask(&site, &bert, &approve, "\"1\"", Value::Null).await;
    assert_eq!((tag.as_str(), &grant["state"]), ("\"2\"", &json!("active")));
    let end = format!("DELETE /api/grants/{id}");
    assert_eq!(ask(&site, &bert, &end, "\"1\"", Value::Null).await.0, 412);
    assert_eq!(ask(&site, &bert, &end, "\"2\"", Value::Null).await.0, 204);

    let disable = format!("POST /api/users/{user}/disable");
    assert_eq!(ask(&site, &anna, &disable, "\"5\"", Value::Null).await.0, 412);
    let (_, tag, shown) = ask(&site, &anna, &disable, "\"1\"", Value::Null).await;
    assert_eq!((tag.as_str(), &shown["status"]), ("\"2\"", &json!("disabled")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_saw_the_same_version_one_changes_it() {
    let site = std::sync::Arc::new(Site::open().await);
    let (anna, station) = (somebody(&site.database, "administrator").await, station(&site).await);
    let mut asked = JoinSet::new();
    for number in 0..8 {
        let (site, anna) = (site.clone(), anna.clone());
        let privacy = if number % 2 == 0 { "names" } else { "none" };
        asked.spawn(async move {
            let path = format!("PUT /api/stations/{station}");
            ask(&site, &anna, &path, "\"1\"", json!({"privacy": privacy})).await.0
        });
    }
    let mut all = asked.join_all().await;
    all.sort_unstable();
    assert_eq!(all, [200, 412, 412, 412, 412, 412, 412, 412]);
}
