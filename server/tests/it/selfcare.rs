//! What Vigil notices about itself and the machine it runs on.

use std::fs::File;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use store::testing::database;
use tokio::net::TcpStream;
use vitals::Clock;

use super::mqtt::Device;
use super::vigil::{Site, Vigil, count, eventually};

/// As a shell starts it that has called `ulimit`.
fn limited(site: &Site, ulimit: &str) -> Command {
    let vigil = site.command();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {ulimit}; exec \"$0\" \"$@\"")).arg(vigil.get_program());
    for (name, value) in vigil.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell
}

/// Soft and hard limit of open files.
fn limits(pid: u32) -> (u64, u64) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = text.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn a_configuration_that_needs_more_descriptors_than_it_may_have_is_refused_before_anything_is_made() {
    let site = Site::new("host=/nowhere dbname=vigil");
    let state = site.path("state");
    let output = limited(&site, "-n 300").env("VIGIL_STATE_DIR", &state).arg("all").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{said}");
    for part in ["this process may have 300", "ingest.front.max_connections 16000", "LimitNOFILE="] {
        assert!(said.contains(part), "{part} in: {said}");
    }
    assert!(said.lines().count() == 1 && output.stdout.is_empty() && !state.exists(), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_soft_limit_of_descriptors_is_raised_as_far_as_the_configuration_needs_it() {
    let db = database().await;
    let site = Site::of(&db).await;
    let vigil = Vigil::start(limited(&site, "-Sn 256"));
    let (soft, hard) = limits(vigil.pid());
    let (_, ours) = limits(std::process::id());
    assert!(soft > 16_000 && soft <= hard && hard == ours, "{soft} of {hard}, {ours} before");
}

async fn active(vigil: &Vigil, code: &str) -> Option<serde_json::Value> {
    let page = vigil.get("/api/alarms?state=active&limit=200").await;
    page["alarms"].as_array().unwrap().iter().find(|alarm| alarm["code"] == code).cloned()
}

/// What a nurse's screen says of it. The node takes traffic all the same.
async fn says(vigil: &Vigil, code: &str, text: &str) {
    vigil.alarm_comes("", code).await;
    let alarm = active(vigil, code).await.unwrap();
    assert_eq!((&alarm["text"], &alarm["priority"]), (&text.into(), &"medium".into()), "{alarm}");
    assert_eq!((&alarm["kind"], &alarm["device"]), (&"technical".into(), &serde_json::Value::Null), "{alarm}");
    assert_eq!(vigil.get("/readyz").await["status"], "ready");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disk_that_is_nearly_full_is_an_alarm() {
    let db = database().await;
    let site = Site::of(&db).await;
    // More than any disk has.
    let vigil = site.start_with(&format!("[system]\ndisk_low_percent = 100\ndisk_low_bytes = {}\n", i64::MAX));
    says(&vigil, "disk_space", "DISK NEARLY FULL").await;
    assert!(vigil.metric("vigil_disk_free_bytes{of=\"state\"}").await > 0.0);
}

/// An authority that is not ours, and what it signs.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    /// Puts a certificate for `localhost` and its key where Vigil has its own.
    fn puts(&self, folder: &Path, days: u64) -> CertificateDer<'static> {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let now = Clock::system().now().millis().unsigned_abs() / 1_000;
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_secs(now + days * 86_400);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.0).unwrap();
        std::fs::create_dir_all(folder).unwrap();
        std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
        std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
        certificate.der().clone()
    }

    /// The certificate that a handshake shows.
    async fn shown(&self, server: SocketAddr) -> CertificateDer<'static> {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let socket = TcpStream::connect(server).await.unwrap();
        let stream = connector.connect("localhost".try_into().unwrap(), socket).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_ends_soon_is_an_alarm_until_another_one_lies_there() {
    let db = database().await;
    let site = Site::of(&db).await;
    let (hospital, folder) = (Authority::new(), site.path("tls"));
    let short = hospital.puts(&folder, 3);
    let vigil = site.start();
    says(&vigil, "certificate_expiry", "CERTIFICATE ENDS SOON").await;
    let ends = vigil.metric("vigil_certificate_ends_timestamp_seconds{certificate=\"server\"}").await;
    let days = (ends - Clock::system().now().millis() as f64 / 1_000.0) / 86_400.0;
    assert!((2.9..3.1).contains(&days), "{days}");
    assert_eq!(hospital.shown(vigil.mqtts).await, short, "another authority's is left alone");
    let long = hospital.puts(&folder, 365);
    eventually("the end of the alarm", async || active(&vigil, "certificate_expiry").await.is_none()).await;
    assert_eq!(hospital.shown(vigil.mqtts).await, long, "served without a restart");
}

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_whose_clock_is_set_says_so_and_by_how_much_and_receive_times_rise_all_the_same() {
    assert!(Path::new(FAKETIME).exists(), "faketime is installed (./vigil test installs it)");
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let (offset, log) = (site.path("offset"), site.path("log"));
    // Renamed into place, so that it is never half there.
    let set = |seconds: i32| {
        std::fs::write(site.path("next"), format!("{seconds:+}")).unwrap();
        std::fs::rename(site.path("next"), &offset).unwrap();
    };
    set(0);
    let mut command = site.command();
    command.env("LD_PRELOAD", FAKETIME).env("FAKETIME_TIMESTAMP_FILE", &offset).env("FAKETIME_NO_CACHE", "1");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").stderr(File::create(&log).unwrap());
    let vigil = Vigil::start(command).of(&site);
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    let mut seq = 0;
    let mut frame = || {
        seq += 1;
        format!(r#"{{"t":"{}","seq":{seq},"hr":75}}"#, Clock::system().now())
    };
    device.stores(&frame()).await;
    let mut steps = 0.0;
    for seconds in [90, -3_600] {
        set(seconds);
        steps += 1.0;
        eventually("the step", async || vigil.metric("vigil_clock_steps_total").await == steps).await;
        device.stores(&frame()).await;
        device.stores(&frame()).await;
    }
    says(&vigil, "clock_stepped", "SERVER CLOCK JUMPED").await;
    let said = std::fs::read_to_string(log).unwrap();
    for by in [90_000, -3_690_000] {
        // What is told is measured: the two clocks are read one after the other.
        let told = |line: &str| line.split_once("step_ms=").and_then(|(_, told)| told.trim().parse::<i64>().ok());
        let near = |line: &str| told(line).is_some_and(|told| (told - by).abs() < 1_000);
        assert!(said.lines().any(near), "{by} ms in: {said}");
    }
    let disorder = "SELECT count(*) FROM (SELECT received_at <= lag(received_at) OVER (ORDER BY seq) AS fell
        FROM vitals) AS rows WHERE fell";
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, 5);
    assert_eq!(count(&db, disorder).await, 0);
}
