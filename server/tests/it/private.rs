//! The private database: who starts it, who stops it.

use std::fs::File;
use std::os::unix::fs::PermissionsExt;

use vitals::Clock;

use super::mqtt::Device;
use super::vigil::{Site, eventually};

/// Removes the cluster at the end, passed or failed.
struct Private(Site);

impl Private {
    fn new() -> Self {
        Self(Site::new(""))
    }

    fn status(&self) -> String {
        self.0.run(&["localdb", "status"]).trim().to_owned()
    }

    fn is_running(&self) -> bool {
        self.status().starts_with("running, process ")
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        let state_dir = self.0.path("localdb");
        let options = localdb::Options { state_dir, cache_dir: None, purpose: localdb::Purpose::Serve };
        if let Err(error) = localdb::remove(&options) {
            eprintln!("removing the private database failed: {error}");
        }
    }
}

#[test]
fn a_database_started_by_hand_runs_until_it_is_stopped_by_hand() {
    let private = Private::new();
    assert_eq!(private.status(), "absent");
    assert!(private.0.refused(&["localdb", "url"]).1.contains("no cluster"));
    let started = private.0.run(&["localdb", "start"]);
    assert_eq!(started.trim(), private.status());
    assert!(private.0.run(&["localdb", "url"]).contains("dbname=vigil user=postgres password="));
    let (_, said) = private.0.refused(&["check"]);
    assert!(said.contains("run `vigil migrate`"), "{said}");
    assert!(private.0.run(&["migrate"]).starts_with("applied "));
    assert!(private.0.run(&["check"]).ends_with("fit to start\n"));
    private.0.enrol("bed-1", &[]);
    assert_eq!(started.trim(), private.status(), "a command leaves it running");
    private.0.run(&["localdb", "stop"]);
    assert_eq!(private.status(), "stopped");
    assert!(private.0.run(&["device", "list"]).contains("bed-1"));
    assert_eq!(private.status(), "stopped", "who started it stopped it");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_to_leave_stops_the_database_and_nobody_before() {
    let private = Private::new();
    // Stands for a server that comes while a command that started the database is still at work.
    let somebody = File::create(private.0.path("localdb.in-use")).unwrap();
    somebody.lock_shared().unwrap();
    let secret = private.0.enrol("bed-1", &[]);
    assert!(private.is_running(), "somebody uses it");
    drop(somebody);
    let vigil = private.0.start();
    private.0.run(&["device", "list"]);
    private.0.enrol("bed-2", &[]);
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    device.stores(&format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now())).await;
    // Where it keeps its data is watched as well.
    eventually("its disk", async || vigil.metric("vigil_disk_free_bytes{of=\"database\"}").await > 0.0).await;
    assert_eq!(vigil.stop(), Some(0));
    assert_eq!(private.status(), "stopped");
    // A throw-away root key, which the next start finds again.
    let key = private.0.path("demo-root.key");
    assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(private.0.start().stop(), Some(0));
    std::fs::remove_file(&key).unwrap();
    let (code, said) = private.0.refused(&["all"]);
    assert!(code == Some(64) && said.contains("another root key"), "one that was made anew: {said}");
}
