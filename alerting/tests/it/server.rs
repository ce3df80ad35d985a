//! One cell with a database of its own and a clock that stands still; engines come and go.

use std::sync::Arc;
use std::time::Duration;

use alerting::Alerting;
use parking_lot::Mutex;
use store::Role;
use store::roster::{Enrolment, Roster, enrol, load};
use store::testing::{TestDatabase, database};
use store::time::At;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use vitals::{AgeClass, Clock, DeviceKey, DeviceKind, DeviceProfile, Frame, Hand, Parameter, Realm, Transition};

use crate::ward::sec;

pub(crate) struct Cell {
    pub(crate) db: TestDatabase,
    pub(crate) bed: DeviceKey,
    roster: watch::Sender<Arc<Roster>>,
    clock: Clock,
    hand: Hand,
}

pub(crate) struct Engine {
    pub(crate) alerting: Alerting,
    pub(crate) told: Arc<Mutex<Vec<Transition>>>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), alerting::Error>>,
}

impl Cell {
    /// With one adult's bed, at second 0.
    pub(crate) async fn new() -> Self {
        let db = database().await;
        let client = db.pool().get().await.unwrap();
        let bed = enrol(&client, &enrolment("bed-01", DeviceKind::Device)).await.unwrap();
        let roster = watch::channel(Arc::new(load(&client).await.unwrap())).0;
        let (clock, hand) = Clock::settable(sec(0.0));
        Self { db, bed, roster, clock, hand }
    }

    pub(crate) async fn enrols(&self, name: &str, kind: DeviceKind) -> DeviceKey {
        let key = enrol(&self.db.pool().get().await.unwrap(), &enrolment(name, kind)).await.unwrap();
        self.follows_roster().await;
        key
    }

    pub(crate) fn at(&self, second: f64) {
        self.hand.set(sec(second));
    }

    pub(crate) async fn start(&self) -> Engine {
        let told = Arc::new(Mutex::new(Vec::new()));
        let seen = told.clone();
        let sink: alerting::Sink = Arc::new(move |transition: &Transition| seen.lock().push(transition.clone()));
        let (alerting, part) =
            alerting::start(self.db.pool_of(Role::Alerting), self.clock.clone(), self.roster.subscribe(), sink)
                .await
                .unwrap();
        let stop = CancellationToken::new();
        let task = tokio::spawn(part.run(|_| (), stop.clone()));
        Engine { alerting, told, stop, task }
    }

    /// As the writers do, without them.
    pub(crate) async fn stores(&self, frames: &[Frame]) {
        let client = self.db.pool().get().await.unwrap();
        for frame in frames {
            let hr = frame.values.get(Parameter::Hr);
            let row: [&(dyn store::types::ToSql + Sync); 5] =
                [&At(frame.at), &At(frame.received_at), &frame.device.0, &frame.flags.0, &hr];
            let insert = "INSERT INTO vitals (at, received_at, device_key, flags, hr) VALUES ($1, $2, $3, $4, $5)";
            client.execute(insert, &row).await.unwrap();
        }
    }

    pub(crate) async fn runs(&self, statement: &str) {
        self.db.pool().get().await.unwrap().batch_execute(statement).await.unwrap();
    }

    pub(crate) async fn follows_roster(&self) {
        let roster = load(&self.db.pool().get().await.unwrap()).await.unwrap();
        self.roster.send_replace(Arc::new(roster));
    }

    /// `code onset-raised-ended(value)` of each alarm in the table, by onset, in seconds.
    pub(crate) async fn table(&self) -> Vec<String> {
        let client = self.db.pool().get().await.unwrap();
        let mut rows = store::alarms::page(&client, None, false, 1_000).await.unwrap();
        rows.sort_by_key(|row| (row.onset_at, row.rule.code.clone()));
        let second = |at: vitals::Timestamp| at.micros_since(sec(0.0)) as f64 / 1e6;
        rows.iter()
            .map(|row| {
                let ended = row.ended_at.map_or("-".to_owned(), |at| second(at).to_string());
                let value = row.value.map(|value| format!(" {value}")).unwrap_or_default();
                format!("{} {} {} {ended}{value}", row.rule.code, second(row.onset_at), second(row.raised_at))
            })
            .collect()
    }

    pub(crate) async fn table_becomes(&self, expected: &[&str]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.table().await != expected {
            assert!(Instant::now() < deadline, "the table is {:?}, not {expected:?}", self.table().await);
            sleep(Duration::from_millis(20)).await;
        }
    }
}

fn enrolment(name: &str, kind: DeviceKind) -> Enrolment {
    Enrolment {
        name: name.try_into().unwrap(),
        kind,
        profile: DeviceProfile::Bedside,
        age_class: AgeClass::Adult,
        realm: Realm::Live,
        gateway: None,
    }
}

impl Engine {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
    }

    /// Without a word to the database.
    pub(crate) fn crash(self) {
        self.task.abort();
    }

    pub(crate) fn told(&self) -> Vec<String> {
        self.told.lock().iter().map(|told| format!("{} {}", told.rule.code, told.what.word())).collect()
    }

    pub(crate) async fn tells(&self, expected: &[&str]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.told() != expected {
            assert!(Instant::now() < deadline, "told {:?}, not {expected:?}", self.told());
            sleep(Duration::from_millis(20)).await;
        }
    }
}
