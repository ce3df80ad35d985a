//! Two nodes on one database (design §4.5): one serves, the other takes over; nothing is lost, doubled or told twice.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use store::testing::{TestDatabase, database};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;
use vitals::{Clock, Timestamp};

use super::durability::WAITING;
use super::mqtt::{Device, connack};
use super::roaming::Roaming;
use super::screen::Screen;
use super::vigil::{Site, Vigil, count, eventually};

/// The promise: a standby serves this soon after the active node is gone.
const TAKEOVER: Duration = Duration::from_secs(10);

/// Longer than a lease lasts and than a bed may be silent.
const SLEEP: Duration = Duration::from_secs(12);

/// `EX_TEMPFAIL`.
const PASSED: Option<i32> = Some(75);

const BEDS: usize = 6;

/// Two nodes, beds that know both, and one bed in danger.
struct Ward {
    db: TestDatabase,
    site: Site,
    active: Option<Vigil>,
    standby: Vigil,
    /// Of a device that the test speaks for.
    witness: String,
    stop: CancellationToken,
    beds: Vec<(String, JoinHandle<Vec<Timestamp>>)>,
}

impl Ward {
    /// Under load, and with the alarm told and stored.
    async fn start() -> Self {
        let db = database().await;
        let site = Site::of(&db).await;
        let ids: Vec<_> = (0..BEDS).map(|number| format!("bed-{number}")).chain(["danger".to_owned()]).collect();
        let secrets: Vec<_> = ids.iter().map(|id| site.enrol(id, &[])).collect();
        let witness = site.enrol("witness", &[]);
        let active = site.start();
        let standby = site.stand_by();
        let stop = CancellationToken::new();
        let mut beds = Vec::new();
        for (id, secret) in ids.into_iter().zip(secrets) {
            let in_danger = id == "danger";
            let roaming = Roaming {
                id: id.clone(),
                secret,
                nodes: vec![active.mqtt, standby.mqtt],
                spo2: if in_danger { 70 } else { 97 },
                pace: in_danger.then_some(Duration::from_millis(200)),
            };
            beds.push((id, tokio::spawn(roaming.run(stop.clone()))));
        }
        let ward = Self { db, active: Some(active), standby, witness, stop, beds, site };
        eventually("the alarm in the table", async || !ward.alarms().await.is_empty()).await;
        ward.grows().await;
        ward
    }

    /// Waits for a good number of frames more.
    async fn grows(&self) {
        let wanted = count(&self.db, "SELECT count(*) FROM vitals").await + 2_000;
        eventually("frames", async || count(&self.db, "SELECT count(*) FROM vitals").await >= wanted).await;
    }

    /// (device, code, how often raised, whether it goes on) of every alarm there ever was.
    async fn alarms(&self) -> Vec<(String, String, i64, bool)> {
        let alarms = "SELECT coalesce(external_id, ''), code, count(*) FILTER (WHERE what = 'raised'), ended_at IS NULL
            FROM alarms JOIN alarm_transitions ON alarm_id = alarms.id JOIN rule_versions r ON r.id = rule_version_id
            JOIN rules ON rules.id = r.rule_id
            LEFT JOIN devices ON key = device_key GROUP BY alarms.id, external_id, code ORDER BY 1, 2";
        let rows = self.db.pool().get().await.unwrap().query(alarms, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
    }

    /// Lets every bed get its last acknowledgement, and compares what they know with the table.
    async fn every_frame_is_stored_once(&mut self) {
        self.stop.cancel();
        let client = self.db.pool().get().await.unwrap();
        for (id, bed) in self.beds.drain(..) {
            let sent: BTreeSet<_> = bed.await.unwrap().into_iter().map(Timestamp::micros).collect();
            let stored = "SELECT (extract(epoch FROM at) * 1000000)::int8 FROM vitals JOIN devices ON key = device_key WHERE external_id = $1";
            let stored: Vec<i64> = client.query(stored, &[&id]).await.unwrap().iter().map(|row| row.get(0)).collect();
            assert_eq!(stored.len(), sent.len(), "{id}: as many rows as frames, all of them acknowledged");
            assert_eq!(stored.into_iter().collect::<BTreeSet<_>>(), sent, "{id}");
        }
        assert_eq!(super::pipeline::quarantined(&self.db).await, [], "no repetition was a conflict");
    }

    /// One that goes on is neither raised again nor forgotten, and nobody else was called.
    async fn one_alarm_was_told_once_and_goes_on(&self) {
        let expected = ("danger".to_owned(), "spo2_desat".to_owned(), 1, true);
        assert_eq!(self.alarms().await, [expected]);
        assert_eq!(self.standby.alarms().await, [("danger".to_owned(), "spo2_desat".to_owned())]);
    }
}

fn frame(at: Timestamp) -> String {
    format!(r#"{{"t":"{at}","spo2":97}}"#)
}

/// The code that each version of the protocol gets, 3.1.1 first: plain, then over TLS.
async fn codes(node: &Vigil, site: &Site, id: &str, secret: &str) -> [[u8; 2]; 2] {
    let mut codes = [[0; 2]; 2];
    for (place, version) in [4, 5].into_iter().enumerate() {
        let mut plain = TcpStream::connect(node.mqtt).await.unwrap();
        codes[0][place] = connack(&mut plain, version, id, secret).await;
        codes[1][place] = connack(&mut over_tls(node.mqtts, site).await, version, id, secret).await;
    }
    codes
}

async fn over_tls(node: SocketAddr, site: &Site) -> tokio_rustls::client::TlsStream<TcpStream> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(site.ca()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_root_certificates(roots).with_no_client_auth());
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(config).connect(name, TcpStream::connect(node).await.unwrap()).await.unwrap()
}

/// (status, code of the problem) of a path.
async fn asked(node: &Vigil, path: &str) -> (u16, String) {
    let answer = reqwest::get(format!("http://{}{path}", node.portal)).await.unwrap();
    let status = answer.status().as_u16();
    let said: serde_json::Value = answer.json().await.unwrap();
    (status, said["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_turns_everybody_away_until_the_active_node_stops() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let active = site.start();
    let standby = site.stand_by();
    assert_eq!(codes(&standby, &site, "bed-1", &secret).await, [[3, 0x88]; 2]);
    assert_eq!(codes(&active, &site, "bed-1", &secret).await, [[0, 0]; 2]);
    assert_eq!(asked(&standby, "/healthz").await, (200, String::new()));
    for path in ["/readyz", "/api/devices", "/api/alarms", "/live", "/"] {
        assert_eq!(asked(&standby, path).await, (503, "standby".to_owned()), "{path}");
    }
    assert!(standby.metric("vigil_mqtt_refused_total{reason=\"unavailable\"}").await >= 4.0);
    // Commands are for whoever is active.
    site.enrol("bed-2", &[]);
    let mut device = Device::connect(active.mqtt, "bed-1", &secret).await;
    device.stores(&format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now())).await;
    assert_eq!(active.stop(), Some(0));
    standby.takes_over().await;
    assert_eq!(codes(&standby, &site, "bed-1", &secret).await, [[0, 0]; 2]);
    assert_eq!(asked(&standby, "/readyz").await, (200, String::new()));
    assert_eq!(standby.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_standby_takes_over_from_a_node_that_is_killed() {
    let mut ward = Ward::start().await;
    // The kill falls into a commit, not beside it.
    let mut locker = ward.db.pool().get().await.unwrap();
    let lock = locker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE vitals IN ACCESS EXCLUSIVE MODE").await.unwrap();
    eventually("writers in a commit", async || count(&ward.db, WAITING).await >= 2).await;
    let killed = Instant::now();
    ward.active.take().unwrap().kill();
    lock.rollback().await.unwrap();
    ward.standby.takes_over().await;
    assert!(killed.elapsed() < TAKEOVER, "{:?}", killed.elapsed());
    ward.grows().await;
    ward.every_frame_is_stored_once().await;
    ward.one_alarm_was_told_once_and_goes_on().await;
    assert_eq!(ward.standby.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_was_frozen_and_passed_writes_and_says_nothing_more() {
    let mut ward = Ward::start().await;
    let active = ward.active.take().unwrap();
    let mut screen = Screen::open(active.portal, ward.site.nurse()).await;
    screen.alarm("danger", "spo2_desat").await;
    let mut locker = ward.db.pool().get().await.unwrap();
    let lock = locker.transaction().await.unwrap();
    lock.batch_execute("LOCK TABLE vitals IN ACCESS EXCLUSIVE MODE").await.unwrap();
    // Frames that the node has read and cannot store before it freezes.
    let mut device = Device::connect(active.mqtt, "witness", &ward.witness).await;
    let frames: Vec<_> = (0..5).map(|number| frame(Clock::system().now().plus_millis(number - 10))).collect();
    for frame in &frames {
        device.send(frame).await.unwrap();
    }
    eventually("writers in a commit", async || count(&ward.db, WAITING).await >= 2).await;
    active.freeze();
    let frozen = Instant::now();
    lock.rollback().await.unwrap();
    ward.standby.takes_over().await;
    assert!(frozen.elapsed() < TAKEOVER, "{:?}", frozen.elapsed());
    let mut again = Device::connect(ward.standby.mqtt, "witness", &ward.witness).await;
    again.stores_all(frames.clone(), 8).await;
    ward.grows().await;
    // Until it would find every bed silent.
    tokio::time::sleep(SLEEP.saturating_sub(frozen.elapsed())).await;
    active.thaw();
    assert_eq!(active.ended(), PASSED);
    assert!(device.acknowledged().await.is_err(), "what it held is acknowledged by the one that stored it");
    let seen: BTreeSet<_> = screen.ends().await.into_iter().collect();
    assert_eq!(
        seen,
        BTreeSet::from([("danger".to_owned(), "spo2_desat".to_owned())]),
        "nothing was told after it awoke"
    );
    ward.every_frame_is_stored_once().await;
    ward.one_alarm_was_told_once_and_goes_on().await;
    let stored = "SELECT count(*) FROM vitals JOIN devices ON key = device_key WHERE external_id = 'witness'";
    assert_eq!(count(&ward.db, stored).await, frames.len() as i64);
    assert_eq!(ward.standby.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_node_that_was_frozen_goes_on_and_calls_nobody_for_its_own_sleep() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    device.stores(&frame(Clock::system().now())).await;
    let mut screen = Screen::open(vigil.portal, site.nurse()).await;
    let epoch = count(&db, "SELECT epoch::int8 FROM node_epoch").await;
    vigil.freeze();
    tokio::time::sleep(SLEEP).await;
    vigil.thaw();
    let awake = Clock::system().now();
    device.stores(&frame(awake)).await;
    screen.number("bed-1", awake).await;
    // What it would have said it says within a tick of a quarter of a second.
    screen.looks_for(Duration::from_secs(2)).await;
    assert_eq!(screen.seen(), []);
    assert_eq!(vigil.alarms().await, []);
    assert_eq!(count(&db, "SELECT epoch::int8 FROM node_epoch").await, epoch);
    vigil.alarm_comes("bed-1", "no_data").await;
    assert_eq!(vigil.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receive_times_rise_even_if_the_next_node_has_a_slower_clock() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("bed-1", &[]);
    assert_eq!(site.start().stop(), Some(0));
    // As a node whose clock is five seconds ahead of the next one's.
    let client = db.pool().get().await.unwrap();
    client.batch_execute("UPDATE engine_epochs SET stopped_at = stopped_at + interval '5 seconds'").await.unwrap();
    let vigil = site.start();
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    device.stores(&frame(Clock::system().now())).await;
    let later = "SELECT count(*) FROM vitals WHERE received_at > (SELECT max(stopped_at) FROM engine_epochs)";
    assert_eq!(count(&db, later).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_of_the_database_changes_no_roles() {
    let home = tempfile::tempdir().unwrap();
    let options =
        localdb::Options { state_dir: home.path().join("db"), cache_dir: None, purpose: localdb::Purpose::Serve };
    let cluster = localdb::start(&options, &|_| ()).unwrap();
    let site = Site::at(&cluster);
    let secret = site.enrol("bed-1", &[]);
    let active = site.start();
    let standby = site.stand_by();
    let mut device = Device::connect(active.mqtt, "bed-1", &secret).await;
    device.stores(&frame(Clock::system().now())).await;
    let access = store::Access::new(&cluster.place(), cluster.passwords()).unwrap();
    let epoch = store::lease::epoch(&access).await.unwrap();
    let restart = {
        let options = options.clone();
        move || {
            localdb::stop(&options).unwrap();
            localdb::start(&options, &|_| ()).unwrap();
        }
    };
    tokio::task::spawn_blocking(restart).await.unwrap();
    device.stores(&frame(Clock::system().now())).await;
    // A standby leaves the active node three seconds; then it would try.
    tokio::time::sleep(SLEEP).await;
    device.stores(&frame(Clock::system().now())).await;
    assert_eq!(store::lease::epoch(&access).await.unwrap(), epoch);
    assert_eq!(asked(&standby, "/readyz").await, (503, "standby".to_owned()));
    // The standby has not lost its place either.
    active.kill();
    standby.takes_over().await;
    assert_eq!(standby.stop(), Some(0));
    localdb::remove(&options).unwrap();
}
