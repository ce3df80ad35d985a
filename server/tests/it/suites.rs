//! Suites that others wrote, run against the binary: mosquitto's tables and scripts for brokers, paho's own clients.

use std::path::PathBuf;
use std::process::Command;

use store::roster::{CredentialKind, Enrolment};
use store::testing::{TestDatabase, database};
use vitals::{AgeClass, DeviceKind, DeviceName, DeviceProfile, Realm};

use super::clients::python;
use super::vigil::Site;

const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015";
/// Parts of a suite that run beside each other, each with names of its own.
const PARTS: usize = 48;
/// Clients of one part.
const CLIENTS: usize = 8;

/// The folder with the sources that `./vigil test` fetched.
fn source(name: &str) -> PathBuf {
    let folder =
        std::env::var_os("VIGIL_TEST_SUITES").expect("VIGIL_TEST_SUITES names the suites (./vigil test fetches them)");
    PathBuf::from(folder).join(name)
}

async fn enrol(db: &TestDatabase) {
    let client = db.pool().get().await.unwrap();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, SECRET.as_bytes());
    let digest: [u8; 32] = digest.as_ref().try_into().unwrap();
    for part in 0..PARTS {
        let devices = (0..CLIENTS).map(|client| (format!("suite-{part}-{client}"), DeviceKind::Device));
        for (name, kind) in devices.chain([(format!("suite-{part}-desk"), DeviceKind::Service)]) {
            let enrolment = Enrolment {
                name: DeviceName::try_from(name.as_str()).unwrap(),
                kind,
                profile: DeviceProfile::Bedside,
                age_class: AgeClass::Adult,
                realm: Realm::Test,
                gateway: None,
            };
            let key = store::roster::enrol(&client, &enrolment).await.unwrap();
            store::roster::add_credential(&client, key, CredentialKind::Secret, &digest, None).await.unwrap();
        }
    }
}

async fn run(script: &str, suite: PathBuf) -> String {
    let db = database().await;
    let site = Site::of(&db).await;
    site.run(&["migrate"]);
    enrol(&db).await;
    // What one of mosquitto's scripts configures.
    let vigil = site.start_with("[ingest.front]\nmax_keep_alive_s = 60\n");
    let path = format!("{}/tests/suites/{script}", env!("CARGO_MANIFEST_DIR"));
    let mut command = Command::new(python());
    command.arg(path).arg(suite).args([&vigil.mqtt.port().to_string(), SECRET]).env("PYTHONDONTWRITEBYTECODE", "1");
    let output = command.output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mosquittos_own_tests_for_brokers_pass() {
    let told = run("mosquitto_suite.py", source("mosquitto-2.0.21")).await;
    assert!(told.contains("tables 1386 left_out 100 scripts 18 failed 0"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_clients_of_pahos_own_tests_find_the_broker_that_they_want() {
    let told = run("paho_suite.py", source("paho_mqtt-2.1.0")).await;
    assert!(told.contains("clients 20 cases 3 failed 0"), "{told}");
}
