//! What a person types beside `vigil all`.

use store::testing::database;
use vitals::Clock;

use super::mqtt::Device;
use super::vigil::{Site, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn devices_are_enrolled_once_listed_and_revoked_once() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &["--profile", "home", "--age-class", "neonatal", "--realm", "test"]);
    assert_eq!(secret.len(), 64);
    site.enrol("gw", &["--gateway"]);
    let listed = site.run(&["device", "list"]);
    let words = |id: &str| -> Vec<String> {
        let line = listed.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{id} in {listed}"));
        line.split_whitespace().map(str::to_owned).collect()
    };
    assert_eq!(words("bed-1")[1..6], ["device", "home", "neonatal", "test", "active"]);
    assert_eq!(words("gw")[1], "gateway");
    let (code, said) = site.refused(&["device", "enrol", "bed-1"]);
    assert!(code == Some(1) && said.contains("bed-1 is enrolled already"), "{said}");
    site.run(&["device", "revoke", "bed-1"]);
    assert!(site.run(&["device", "list"]).contains("revoked"));
    let (_, said) = site.refused(&["device", "revoke", "bed-1"]);
    assert!(said.contains("revoked already"), "{said}");
    assert!(site.refused(&["device", "enrol", "bed 2"]).1.contains("bed 2"), "no name of a device");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolment_that_fails_leaves_nothing_behind() {
    let db = database().await;
    let site = Site::of(&db).await;
    site.run(&["migrate"]);
    let folder = site.path("out");
    let folder = folder.to_str().unwrap();
    std::fs::create_dir(folder).unwrap();
    // The certificate's place is taken: the key has been written by then.
    std::fs::write(site.path("out/bed-1.pem"), "somebody else's").unwrap();
    let (code, said) = site.refused(&["device", "enrol", "bed-1", "--certificate", folder]);
    assert!(code == Some(1) && said.contains("bed-1.pem"), "{said}");
    assert!(!site.path("out/bed-1.key").exists());
    assert_eq!(std::fs::read(site.path("out/bed-1.pem")).unwrap(), b"somebody else's");
    let (_, said) = site.refused(&["device", "enrol", "bed-2", "--behind", "nobody"]);
    assert!(said.contains("no gateway nobody"), "{said}");
    assert_eq!(count(&db, "SELECT count(*) FROM devices").await, 0);
    assert_eq!(count(&db, "SELECT count(*) FROM device_credentials").await, 0);
    site.enrol("bed-1", &[]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn check_wants_a_current_schema() {
    let db = database().await;
    let client = db.pool().get().await.unwrap();
    let site = Site::of(&db).await;
    assert_eq!(site.run(&["migrate"]), "the schema is current\n");
    let told = site.run(&["check", "--counts"]);
    assert!(told.contains("vitals=0 alarms=0 quarantined=0") && told.ends_with("fit to start\n"), "{told}");
    client.batch_execute("DELETE FROM refinery_schema_history").await.unwrap();
    let (code, said) = site.refused(&["check"]);
    assert!(code == Some(1) && said.contains("vigil migrate"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_speaks_for_those_behind_it_and_for_nobody_else() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("gw", &["--gateway"]);
    site.enrol("pump", &["--behind", "gw"]);
    site.enrol("stranger", &[]);
    let vigil = site.start();
    let frame = || format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now());
    let mut gateway = Device::connect(vigil.mqtt, "gw", &secret).await;
    gateway.publish("vigil/v1/gw/relay/pump/vitals", &frame()).await.unwrap();
    gateway.acknowledged().await.unwrap();
    let stored = "SELECT count(*) FROM vitals JOIN devices ON key = device_key WHERE external_id = 'pump'";
    assert_eq!(count(&db, stored).await, 1);
    gateway.publish("vigil/v1/gw/relay/stranger/vitals", &frame()).await.unwrap();
    assert!(gateway.is_closed().await, "3.1.1 has no other word for it");
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, 1);
}
