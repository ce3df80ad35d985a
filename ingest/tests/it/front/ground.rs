//! The whole of ingest on a database of its own.

use std::net::SocketAddr;
use std::sync::Arc;

use ingest::front::Listener;
use ingest::{Config, Deps, Error, Outlets};
use keys::{Field, Keyring};
use parking_lot::Mutex;
use store::Role;
use store::roster::{CredentialKind, Enrolment};
use store::testing::TestDatabase;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use vitals::{AgeClass, Clock, DeviceKey, DeviceKind, DeviceName, DeviceProfile, Realm};

use super::client::{Client, Connect};

const PAYLOAD: Field = Field::new("quarantine", "payload");

pub(super) const SECRET: &str = "9f86d081884c7d659a2feaa0c55ad015";

pub(super) struct Ground {
    pub(super) database: TestDatabase,
    pub(super) address: SocketAddr,
    pub(super) tls_address: SocketAddr,
    pub(super) presence: Arc<Mutex<Vec<(DeviceKey, bool)>>>,
    pub(super) held: Arc<Mutex<Vec<bool>>>,
    pub(super) flapping: Arc<Mutex<Vec<DeviceKey>>>,
    pub(super) keyring: Keyring,
    stop: CancellationToken,
    served: JoinHandle<Result<(), Error>>,
}

pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().try_into().unwrap()
}

/// With the secret of this file.
pub(super) async fn enrol(database: &TestDatabase, name: &str, kind: DeviceKind, gateway: Option<&str>) -> DeviceKey {
    let key = enrol_bare(database, name, kind, gateway).await;
    let client = database.pool().get().await.unwrap();
    store::roster::add_credential(&client, key, CredentialKind::Secret, &sha256(SECRET.as_bytes()), None)
        .await
        .unwrap();
    key
}

pub(super) async fn enrol_bare(
    database: &TestDatabase,
    name: &str,
    kind: DeviceKind,
    gateway: Option<&str>,
) -> DeviceKey {
    let client = database.pool().get().await.unwrap();
    let enrolment = Enrolment {
        name: DeviceName::try_from(name).unwrap(),
        kind,
        profile: DeviceProfile::Bedside,
        age_class: AgeClass::Adult,
        realm: Realm::Test,
        gateway: gateway.map(|gateway| DeviceName::try_from(gateway).unwrap()),
    };
    store::roster::enrol(&client, &enrolment).await.unwrap()
}

impl Ground {
    /// Two beds, a gateway with one device behind it, and a service.
    pub(super) async fn start() -> Self {
        Self::start_with(|_| {}, None).await
    }

    pub(super) async fn start_with(change: impl FnOnce(&mut Config), tls: Option<TlsAcceptor>) -> Self {
        let database = store::testing::database().await;
        enrol(&database, "bed-01", DeviceKind::Device, None).await;
        enrol(&database, "bed-02", DeviceKind::Device, None).await;
        enrol(&database, "gw", DeviceKind::Gateway, None).await;
        enrol(&database, "pump", DeviceKind::Device, Some("gw")).await;
        enrol(&database, "desk", DeviceKind::Service, None).await;
        Self::on(database, change, tls).await
    }

    pub(super) async fn on(database: TestDatabase, change: impl FnOnce(&mut Config), tls: Option<TlsAcceptor>) -> Self {
        let (roster, watching) = store::roster::watch(database.pool_of(Role::Ingest)).await.unwrap();
        tokio::spawn(watching);
        let presence = Arc::new(Mutex::new(Vec::new()));
        let seen = presence.clone();
        let held = Arc::new(Mutex::new(Vec::new()));
        let holds = held.clone();
        let flapping = Arc::new(Mutex::new(Vec::new()));
        let flaps = flapping.clone();
        let outlets = Outlets {
            judge: Arc::new(|_| {}),
            show: Arc::new(|_, _| {}),
            presence: Arc::new(move |key, there, _| seen.lock().push((key, there))),
            held: Arc::new(move |_, held, _| holds.lock().push(held)),
            flapping: Arc::new(move |key, _| flaps.lock().push(key)),
            database_away: Arc::new(|_, _| {}),
        };
        let (with_tls, any) = (tls.is_some(), "127.0.0.1:0".parse().unwrap());
        let mut listeners = vec![Listener::bind(any, None).unwrap(), Listener::bind(any, tls).unwrap()];
        let [address, tls_address] = [0, 1].map(|door: usize| listeners[door].socket.local_addr().unwrap());
        if !with_tls {
            listeners.pop();
        }
        let mut config = Config::default();
        change(&mut config);
        let stop = CancellationToken::new();
        let keyring = Keyring::for_tests();
        let deps = Deps {
            pool: database.pool_of(Role::Ingest),
            clock: Clock::system(),
            roster,
            outlets,
            keyring: keyring.clone(),
            listeners,
        };
        let served = tokio::spawn(ingest::run(config, deps, || {}, stop.clone()));
        Self { database, address, tls_address, presence, held, flapping, keyring, stop, served }
    }

    pub(super) async fn client(&self, version: u8, name: &str) -> Client {
        let mut client = Client::dial(self.address, version).await;
        assert_eq!(client.connect(&Connect::new(version, name, SECRET)).await, Some(0), "{name} is admitted");
        client
    }

    /// Payloads in quarantine, opened, in the order in which they first came.
    pub(super) async fn quarantined(&self) -> Vec<Vec<u8>> {
        let client = self.database.pool().get().await.unwrap();
        let rows = client.query("SELECT digest, payload FROM quarantine ORDER BY id", &[]).await.unwrap();
        let open = |row: &store::Row| {
            let (digest, payload): (Vec<u8>, Vec<u8>) = (row.get(0), row.get(1));
            self.keyring.system().open(PAYLOAD, &digest, &payload).unwrap().to_vec()
        };
        rows.iter().map(open).collect()
    }

    pub(super) async fn rows(&self, name: &str) -> i64 {
        let client = self.database.pool().get().await.unwrap();
        let count = "SELECT count(*) FROM vitals JOIN devices ON key = device_key WHERE external_id = $1";
        client.query_one(count, &[&name]).await.unwrap().get(0)
    }

    pub(super) fn begin_stop(&self) {
        self.stop.cancel();
    }

    pub(super) async fn stopped(self) -> TestDatabase {
        self.stop.cancel();
        self.served.await.expect("ingest does not panic").expect("ingest ends in order");
        self.database
    }
}
