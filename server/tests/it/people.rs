//! `vigil user …` on the host.

use store::testing::database;

use super::vigil::{Site, count};

#[tokio::test(flavor = "multi_thread")]
async fn the_first_link_goes_to_standard_output_only_and_is_audited() {
    let database = database().await;
    let site = Site::of(&database).await;
    let command = |arguments: &[&str]| site.command().args(arguments).output().unwrap();
    let printed = command(&["user", "first-admin"]);
    let (out, told) = (String::from_utf8(printed.stdout).unwrap(), String::from_utf8(printed.stderr).unwrap());
    assert!(printed.status.success(), "{told}");
    let (place, token) = out.trim().split_once("/welcome#").unwrap();
    assert!(place.starts_with("http://127.0.0.1") && token.len() == 64, "{out}");
    assert!(!told.contains(token), "{told}");
    let ours = "SELECT count(*) FROM audit_events WHERE system_part = 'command' AND entity_kind = 'one_time_code'";
    assert_eq!(count(&database, ours).await, 1);
    assert_eq!(count(&database, "SELECT count(*) FROM audit_links").await, 1, "it is in the chain already");

    let listed = command(&["user", "list"]);
    assert!(listed.status.success() && listed.stdout.starts_with(b"login"));
    let nobody = command(&["user", "disable", "nobody"]);
    assert!(!nobody.status.success() && String::from_utf8(nobody.stderr).unwrap().contains("no user nobody"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_is_closed_to_whom_it_is_about() {
    let database = database().await;
    let site = Site::of(&database).await;
    let command = |arguments: &[&str]| site.command().args(arguments).output().unwrap();
    let (user, patient, stranger) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
    let db = database.pool().get().await.unwrap();
    let people = format!(
        "INSERT INTO users (id, realm, login, display_name) VALUES ('{user}', 'demo', 'nora.lind', 'Nora Lind');
        INSERT INTO patients (id, realm) VALUES ('{patient}', 'demo'), ('{stranger}', 'test')"
    );
    db.batch_execute(&people).await.unwrap();
    let closed = async || count(&database, "SELECT count(*) FROM own_records WHERE superseded_at IS NULL").await;
    let (patient, stranger) = (patient.to_string(), stranger.to_string());
    assert!(command(&["user", "own-record", "nora.lind", &patient]).status.success());
    assert_eq!(closed().await, 1);
    assert!(command(&["user", "own-record", "nora.lind", &patient, "--mistaken"]).status.success());
    assert_eq!(closed().await, 0);
    assert!(command(&["user", "own-record", "nora.lind", &patient]).status.success(), "after all");
    assert_eq!(closed().await, 1);
    let of_another_realm = command(&["user", "own-record", "nora.lind", &stranger]);
    assert!(!of_another_realm.status.success());
    assert!(String::from_utf8(of_another_realm.stderr).unwrap().contains(&stranger));
    let events =
        "SELECT count(*) FROM audit_events WHERE system_part = 'command' AND entity_kind = 'user' AND action = 'U'";
    assert_eq!(count(&database, events).await, 3);
}
