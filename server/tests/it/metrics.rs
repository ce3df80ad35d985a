//! What `/metrics` tells after people and devices with names have been here.

use std::collections::{BTreeMap, BTreeSet};

use store::testing::{Person, database};
use vitals::{Clock, Realm};

use super::client::Version::V5;
use super::client::{Client, Login};
use super::vigil::{Site, count};

/// Every value that a label may have; `quantile` and `le` are numbers.
const LABELS: [(&str, &[&str]); 8] = [
    ("certificate", &["server", "device_ca", "server_ca", "web"]),
    ("of", &["state", "database"]),
    ("what", &["raised", "updated", "cleared"]),
    ("priority", &["high", "medium", "low"]),
    ("why", &["update", "full", "refused"]),
    ("quantile", &[]),
    ("le", &[]),
    ("reason", &[]),
];

/// Label to values, of a page in the text format.
fn labels(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut labels = BTreeMap::<_, BTreeSet<_>>::new();
    for line in page.lines().filter(|line| !line.starts_with('#')) {
        let Some((_, rest)) = line.split_once('{') else { continue };
        let (inner, _) = rest.split_once('}').unwrap();
        for pair in inner.split(',') {
            let (name, value) = pair.split_once('=').unwrap();
            labels.entry(name.to_owned()).or_default().insert(value.trim_matches('"').to_owned());
        }
    }
    labels
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_have_labels_of_closed_sets_and_tell_of_nobody() {
    let db = database().await;
    let site = Site::of(&db).await;
    let name = "bed-of-erika-mustermann";
    let secret = site.enrol(name, &[]);
    let vigil = site.start();
    let superuser = db.pool().get().await.unwrap();
    let admin = Person::in_realm(&superuser, Realm::Demo, "administrator", Clock::system().now()).await.unwrap();
    let login = |id, secret| Login { id, secret, will: None };
    let Ok(mut bed) = Client::connect(vigil.mqtt, V5, login(name, &secret)).await else { panic!("it is let in") };
    let (topic, now) = (format!("vigil/v1/{name}/vitals"), Clock::system().now());
    // Judged, from ten minutes ahead (an alarm, and quarantine), and nonsense.
    for said in [
        format!(r#"{{"t":"{now}","hr":72}}"#),
        format!(r#"{{"t":"{}","hr":72}}"#, now.plus_millis(600_000)),
        "no JSON".to_owned(),
    ] {
        assert_eq!(bed.publish(&topic, &said).await, Some(0));
    }
    assert!(Client::connect(vigil.mqtt, V5, login("bed-of-a-stranger", "wrong")).await.is_err());
    vigil.alarm_comes(name, "clock").await;
    for (path, person) in [("/api/devices", Some(&admin)), ("/api/users", Some(&admin)), ("/api/devices", None)] {
        let mut request = reqwest::Client::new().get(format!("http://{}{path}", vigil.portal));
        if let Some(person) = person {
            request = request.header("cookie", person.cookie());
        }
        request.send().await.unwrap();
    }
    let wrong = serde_json::json!({"login": "erika.mustermann", "password": "not the one"});
    let tried = reqwest::Client::new().post(format!("http://{}/api/session", vigil.portal)).json(&wrong);
    assert_eq!(tried.send().await.unwrap().status(), 401);
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, 1);

    let page = vigil.metrics_page().await;
    for counted in ["vigil_sign_in_denied_total 1", "vigil_quarantined_total{", "vigil_mqtt_refused_total{", "{what="] {
        assert!(page.contains(counted), "{counted} is not there:\n{page}");
    }
    let found = labels(&page);
    assert!(!found.is_empty());
    for (label, values) in &found {
        let (_, known) = LABELS.iter().find(|(known, _)| known == label).unwrap_or_else(|| panic!("a label {label}"));
        for value in values {
            let closed = match label.as_str() {
                "quantile" | "le" => value.parse::<f64>().is_ok(),
                // Of a quarantine, or of a CONNACK that refuses.
                "reason" => vitals::Reason::ALL.iter().any(|reason| reason.word() == value) || value == "bad_login",
                _ => known.contains(&value.as_str()),
            };
            assert!(closed, "{label}={value}");
        }
    }
    let ids = [&admin, site.nurse()].map(|person| [person.user, person.session, person.practitioner]);
    let ids = ids.concat().into_iter().flat_map(|id| [id.to_string(), id.simple().to_string()]);
    for told in ids.chain(["mustermann", "stranger", "bed-of", "127.0.0.1"].map(str::to_owned)) {
        assert!(!page.to_ascii_lowercase().contains(&told), "{told} is told:\n{page}");
    }
    let here = reqwest::get(format!("http://{}/metrics", vigil.portal)).await.unwrap();
    assert_eq!(here.status(), 404, "the portal has none");
}
