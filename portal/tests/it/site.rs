use std::sync::Arc;

use keys::Keyring;
use portal::audit::Settings;
use portal::{Config, Deps, Hub, Transport};
use reqwest::header;
use store::Role;
use store::roster::{self, Enrolment, Roster};
use store::testing::{Person, TestDatabase};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::people::somebody;
use vitals::{
    AgeClass, AlarmId, Bound, Clock, Condition, DeviceKey, DeviceKind, DeviceProfile, Flags, Frame, Hand, Parameter,
    Priority, Realm, RuleVersion, Timestamp, Transition, Values, What,
};

pub(crate) const EPOCH: i64 = 3;

/// A portal on a port of its own over a database of its own, with three beds, the last for demonstration.
pub(crate) struct Site {
    pub(crate) database: TestDatabase,
    pub(crate) hub: Hub,
    pub(crate) hand: Hand,
    pub(crate) clock: Clock,
    pub(crate) address: std::net::SocketAddr,
    pub(crate) beds: Vec<DeviceKey>,
    pub(crate) stop: CancellationToken,
    /// Signed in; sees what is on nobody.
    pub(crate) nurse: Person,
    pub(crate) folder: TempDir,
    deps: Deps,
    serving: AbortOnDropHandle<()>,
    _following: AbortOnDropHandle<()>,
}

pub(crate) struct Another {
    pub(crate) address: std::net::SocketAddr,
    stop: CancellationToken,
    serving: AbortOnDropHandle<()>,
}

impl Another {
    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.serving.await.unwrap();
    }
}

pub(crate) const T0: Timestamp = Timestamp::from_millis(1_795_428_000_000);

impl Site {
    pub(crate) async fn open() -> Self {
        Self::open_with(Config::default(), &[]).await
    }

    pub(crate) async fn open_with(config: Config, active: &[Transition]) -> Self {
        Self::open_on(config, |clock, roster, _| Hub::new(clock, roster, active, EPOCH)).await
    }

    /// With a hub that came about in its own way, told of the beds.
    pub(crate) async fn open_on(
        config: Config,
        hub: impl FnOnce(Clock, watch::Receiver<Arc<Roster>>, &[DeviceKey]) -> Hub,
    ) -> Self {
        let database = store::testing::database().await;
        let mut beds = Vec::new();
        for (name, realm) in [("bed-01", Realm::Live), ("bed-02", Realm::Live), ("bed-03", Realm::Demo)] {
            beds.push(enrol(&database, name, DeviceKind::Device, realm).await);
        }
        let (roster, follow) = roster::watch(database.pool()).await.unwrap();
        let (clock, hand) = Clock::settable(T0);
        let hub = hub(clock.clone(), roster.clone(), &beds);
        let nurse = somebody(&database, "nurse").await;
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let deps = Deps {
            pool: database.pool_of(Role::Portal),
            audit_pool: database.pool_of(Role::Audit),
            audit: Settings::in_folder(&folder.path().join("audit")),
            keyring: Keyring::for_tests(),
            clock: clock.clone(),
            roster,
            hub: hub.clone(),
            transport: Transport::Plain,
            ready: Arc::new(|| Err("the engine has not started".to_owned())),
        };
        let again = deps.clone();
        let (run, stopped) = (portal::run(config, deps, listener, stop.clone()), stop.clone());
        let serve = tokio::spawn(async move {
            run.await.unwrap();
            stopped.cancelled().await;
        });
        let (serving, following) = (AbortOnDropHandle::new(serve), AbortOnDropHandle::new(tokio::spawn(follow)));
        Self {
            database,
            hub,
            hand,
            clock,
            address,
            beds,
            stop,
            nurse,
            folder,
            deps: again,
            serving,
            _following: following,
        }
    }

    /// Stops the portal, and ends once it has stopped.
    pub(crate) async fn close(&mut self) {
        self.stop.cancel();
        (&mut self.serving).await.unwrap();
    }

    pub(crate) fn settings(&self) -> Settings {
        self.deps.audit.clone()
    }

    /// A second process over the same database.
    pub(crate) async fn another_portal(&self) -> Another {
        self.another_over(Transport::Plain).await
    }

    pub(crate) async fn another_over(&self, transport: Transport) -> Another {
        Self::another_of(Deps { transport, ..self.deps() }).await
    }

    /// The same, by a pool of its own.
    pub(crate) async fn another_on(&self, pool: store::Pool) -> Another {
        Self::another_of(Deps { pool, ..self.deps() }).await
    }

    /// The same, by other keys.
    pub(crate) async fn another_by(&self, keyring: Keyring) -> Another {
        Self::another_of(Deps { keyring, ..self.deps() }).await
    }

    async fn another_of(deps: Deps) -> Another {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let run = portal::run(Config::default(), deps, listener, stop.clone());
        Another { address, stop, serving: AbortOnDropHandle::new(tokio::spawn(async move { run.await.unwrap() })) }
    }

    /// For another portal beside this one.
    pub(crate) fn deps(&self) -> Deps {
        self.deps.clone()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.get_as(&self.nurse, path).await
    }

    pub(crate) async fn get_as(&self, person: &Person, path: &str) -> reqwest::Response {
        let request = reqwest::Client::new().get(self.url(path)).header(header::COOKIE, person.cookie());
        request.send().await.unwrap()
    }

    pub(crate) async fn json(&self, path: &str) -> serde_json::Value {
        self.get(path).await.json().await.unwrap()
    }

    /// A live frame of now.
    pub(crate) fn frame(&self, bed: usize, parameter: Parameter, value: f32) -> Frame {
        let (mut values, now) = (Values::default(), self.clock.now());
        values.set(parameter, value);
        let flags = Flags::LIVE.with(Flags::JUDGED);
        Frame { device: self.beds[bed], at: now, received_at: now, seq: None, flags, values, marks: Vec::new() }
    }
}

pub(crate) async fn enrol(database: &TestDatabase, name: &str, kind: DeviceKind, realm: Realm) -> DeviceKey {
    let enrolment = Enrolment {
        name: name.parse().unwrap(),
        kind,
        profile: DeviceProfile::Bedside,
        age_class: AgeClass::Adult,
        realm,
        gateway: None,
    };
    roster::enrol(&database.pool().get().await.unwrap(), &enrolment).await.unwrap()
}

/// The `seq`th step: the alarm number `alarm` of this device, each with an onset of its own.
pub(crate) fn step(seq: i64, device: Option<DeviceKey>, alarm: i64, what: What) -> Transition {
    let onset_at = T0.plus_millis(alarm * 1_000);
    let limit = Condition::Limit {
        parameter: Parameter::Hr,
        bound: Bound::Upper,
        limit: 120.0,
        onset_ms: 10_000,
        dead_band: 2.0,
    };
    let rule = match device {
        Some(_) => RuleVersion::new("hr_high", Priority::Medium, limit),
        None => RuleVersion::new("database_away", Priority::High, Condition::System),
    };
    let at = match what {
        What::Raised => onset_at.plus_millis(10_000),
        What::Updated => onset_at.plus_millis(11_000),
        What::Cleared => onset_at.plus_millis(12_000),
    };
    Transition {
        epoch: EPOCH,
        seq,
        alarm: AlarmId::derive(device, rule.id, onset_at),
        device,
        rule: Arc::new(rule),
        what,
        at,
        received_at: at,
        onset_at,
        value: device.map(|_| 134.0),
    }
}
