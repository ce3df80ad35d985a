//! The audit of a running server, from the command line.

use store::testing::database;

use super::vigil::{Site, count, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_recorded_is_verified_exported_and_told_apart_from_what_somebody_changed() {
    let db = database().await;
    let site = Site::of(&db).await;
    let vigil = site.start();
    vigil.get("/api/devices").await;
    vigil.alarms().await;
    eventually("links", async || count(&db, "SELECT count(*) FROM audit_links").await == 2).await;
    assert_eq!(vigil.stop(), Some(0));
    let told = site.run(&["audit", "verify"]);
    assert!(told.starts_with("streams=1 links=2 heads=") && told.contains("unsealed=0 adopted=0 findings=0"), "{told}");

    let csv = site.run(&["audit", "export", "--csv", "--user", &site.nurse().user.to_string()]);
    assert_eq!(csv.lines().count(), 3, "{csv}");
    assert!(csv.contains("GET /api/devices") && csv.contains("GET /api/alarms"), "{csv}");
    // That it went out is an event of its own, sealed at once in a chain of its own.
    let json = site.run(&["audit", "export", "--json"]);
    let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
    assert_eq!((&first["action"], &first["part"]), (&"E".into(), &"command".into()));
    assert!(first["detail"].as_str().unwrap().contains(&site.nurse().user.to_string()));
    assert!(site.run(&["audit", "verify"]).starts_with("streams=3 links=4 "));

    let client = db.pool().get().await.unwrap();
    client.batch_execute("SET session_replication_role = replica").await.unwrap();
    let change =
        "UPDATE audit_events SET user_id = gen_random_uuid() WHERE endpoint = 'GET /api/alarms' RETURNING id::text";
    let event: String = client.query_one(change, &[]).await.unwrap().get(0);
    let output = site.command().args(["audit", "verify"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains(&format!("changed: event {event}")), "{told}");
    assert_eq!(site.refused(&["audit", "export"]).0, Some(2), "in which form is not guessed");
}
