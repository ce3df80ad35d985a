//! Clients that others wrote: mosquitto's and paho's, in both versions of the protocol, plain and over TLS.

use std::path::PathBuf;
use std::process::Command;

use store::testing::{TestDatabase, database};
use vitals::Clock;

use super::mqtt::Device;
use super::vigil::{Site, Vigil, count, eventually};

struct Ward {
    db: TestDatabase,
    site: Site,
    vigil: Vigil,
    secret: String,
}

async fn ward() -> Ward {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let vigil = site.start();
    Ward { db, site, vigil, secret }
}

impl Ward {
    fn mosquitto(&self, program: &str, version: &str, tls: bool, id: &str, secret: &str) -> Command {
        let mut command = Command::new(program);
        let broker = if tls { self.vigil.mqtts } else { self.vigil.mqtt };
        command.args([
            "-h",
            "localhost",
            "-p",
            &broker.port().to_string(),
            "-V",
            version,
            "-i",
            id,
            "-u",
            id,
            "-P",
            secret,
        ]);
        if tls {
            command.arg("--cafile").arg(self.site.ca());
        }
        command
    }

    async fn stored(&self) -> i64 {
        count(&self.db, "SELECT count(*) FROM vitals").await
    }
}

fn output(mut command: Command) -> (bool, String) {
    let output = command.output().expect("mosquitto-clients is installed (./vigil test installs it)");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

fn frame() -> String {
    format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquitto_publishes_in_both_versions_plain_and_over_tls() {
    let ward = ward().await;
    for (version, tls) in [("mqttv311", false), ("mqttv311", true), ("mqttv5", false), ("mqttv5", true)] {
        let before = ward.stored().await;
        let mut publish = ward.mosquitto("mosquitto_pub", version, tls, "bed-1", &ward.secret);
        publish.args(["-q", "1", "-t", "vigil/v1/bed-1/vitals", "-m", &frame()]);
        let (done, told) = output(publish);
        assert!(done, "{version} tls {tls}: {told}");
        assert_eq!(ward.stored().await, before + 1, "{version} tls {tls}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquitto_is_told_why_it_is_refused() {
    let ward = ward().await;
    let revoked = ward.site.enrol("bed-2", &[]);
    ward.site.run(&["device", "revoke", "bed-2"]);
    // The roster is read each second.
    eventually("the refusal", async || matches!(Device::try_connect(ward.vigil.mqtt, "bed-2", &revoked).await, Err(5)))
        .await;
    for (version, id, secret, code) in [
        ("mqttv311", "bed-1", "wrong", "bad user name or password"),
        ("mqttv5", "bed-1", "wrong", "bad user name or password"),
        ("mqttv311", "nobody", "wrong", "bad user name or password"),
    ] {
        let mut publish = ward.mosquitto("mosquitto_pub", version, false, id, secret);
        publish.args(["-q", "1", "-t", "vigil/v1/bed-1/vitals", "-m", &frame()]);
        let (done, told) = output(publish);
        assert!(!done && told.to_lowercase().contains(&code.to_lowercase()), "{version} {id}: {told}");
    }
    for version in ["mqttv311", "mqttv5"] {
        let mut publish = ward.mosquitto("mosquitto_pub", version, false, "bed-2", &revoked);
        publish.args(["-q", "1", "-t", "vigil/v1/bed-2/vitals", "-m", &frame()]);
        let (done, told) = output(publish);
        assert!(!done && told.to_lowercase().contains("not authori"), "revoked, {version}: {told}");
        for topic in ["#", "vigil/v1/bed-3/down/#", "$SYS/#"] {
            let mut subscribe = ward.mosquitto("mosquitto_sub", version, false, "bed-1", &ward.secret);
            subscribe.args(["-t", topic, "-W", "5"]);
            let (_, told) = output(subscribe);
            let denied =
                told.contains("denied") || told.contains("135") || told.to_lowercase().contains("not authorized");
            assert!(denied, "{version} {topic}: {told}");
        }
    }
    assert_eq!(ward.stored().await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_of_a_service_reaches_the_device() {
    let ward = ward().await;
    let service = ward.site.enrol("commander", &["--service"]);
    for version in ["mqttv311", "mqttv5"] {
        let mut subscribe = ward.mosquitto("mosquitto_sub", version, true, "bed-1", &ward.secret);
        subscribe
            .args(["-q", "1", "-t", "vigil/v1/bed-1/down/#", "-C", "1", "-W", "30"])
            .stdout(std::process::Stdio::piped());
        let mut subscribe = subscribe.spawn().unwrap();
        // The subscription is in place when a command arrives: commands have no outbox yet, so it is sent until then.
        eventually("the command", async || {
            let mut publish = ward.mosquitto("mosquitto_pub", version, false, "commander", &service);
            publish.args(["-t", "vigil/v1/bed-1/down/limits", "-m", "{\"hr_high\":130}"]);
            assert!(output(publish).0);
            subscribe.try_wait().unwrap().is_some()
        })
        .await;
        let told = subscribe.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&told.stdout).trim(), "{\"hr_high\":130}", "{version}");
    }
}

/// The interpreter of the venv that `./vigil test` makes.
pub fn python() -> PathBuf {
    std::env::var_os("VIGIL_TEST_PYTHON")
        .expect("VIGIL_TEST_PYTHON names a Python with paho-mqtt (./vigil test makes one)")
        .into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn paho_publishes_is_commanded_and_is_told_its_codes() {
    let ward = ward().await;
    let service = ward.site.enrol("desk", &["--service"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/paho_client.py");
    for (version, tls) in [("3", false), ("3", true), ("5", false), ("5", true)] {
        let before = ward.stored().await;
        let broker = if tls { ward.vigil.mqtts } else { ward.vigil.mqtt };
        let mut command = Command::new(python());
        command.arg(script).args([&broker.port().to_string(), version, "bed-1", &ward.secret, "desk", &service]);
        if tls {
            command.arg(ward.site.ca());
        }
        let (done, told) = output(command);
        assert!(done, "{version} tls {tls}: {told}");
        assert_eq!(ward.stored().await, before + 10, "{version} tls {tls}");
    }
}
