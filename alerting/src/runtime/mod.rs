//! What surrounds the engine: locks, the clock, the database, the way out.

mod known;
mod outbox;
mod recall;
mod replay;
mod restart;
mod shards;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use store::Pool;
use store::roster::Roster;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use vitals::{Clock, DeviceKey, DeviceKind, Frame, Timestamp, Transition};

use crate::Error;
use crate::engine::{DeviceWatch, System};
use crate::profiles::Profiles;
use known::KnownAlarm;
use outbox::Outbox;
use recall::Recalled;
use restart::Past;
use shards::Shards;

/// Called with every transition in the order of (epoch, seq), under locks: it must be quick and never call back.
pub type Sink = Arc<dyn Fn(&Transition) + Send + Sync>;

/// How often deadlines are looked at.
const TICK: Duration = Duration::from_millis(250);

/// Deadlines are looked at this long after they passed. A frame gets its receive time before it is judged: without the
/// margin, one stamped before a deadline could be judged after it, and a replay of the table would tell another story.
const MARGIN_MS: i64 = 250;

/// Judges frames and tells of alarms. Cheap to clone; every clone is the same engine.
#[derive(Clone, Debug)]
pub struct Alerting(Arc<Judges>);

#[derive(Debug)]
struct Judges {
    shards: Shards,
    system: Mutex<System>,
    outbox: outbox::Shared,
    profiles: Profiles,
    roster: watch::Receiver<Arc<Roster>>,
}

/// The part that looks at the clock and stores transitions.
#[derive(Debug)]
pub struct Part {
    judges: Arc<Judges>,
    pool: Pool,
    clock: Clock,
    epoch: i64,
}

/// Begins an epoch where the last one ended: replays the stored frames of the last minutes and takes over active alarms.
/// `sink` may be called before this returns, with what the last run could not store.
pub async fn start(
    pool: Pool,
    clock: Clock,
    roster: watch::Receiver<Arc<Roster>>,
    sink: Sink,
) -> Result<(Alerting, Part), Error> {
    let profiles = Profiles::shipped()?;
    let started_at = clock.now();
    let past = Past::read(&pool, started_at).await.map_err(Error::database("read the engine's past"))?;
    let outbox = Arc::new(Outbox::new(past.epoch, past.known(), sink));
    let judges = Arc::new(Judges { shards: Shards::new(), system: Mutex::default(), outbox, profiles, roster });
    past.replay(&judges, &pool).await.map_err(Error::database("replay stored frames"))?;
    judges.follow_roster(started_at);
    let part = Part { judges: judges.clone(), pool, clock, epoch: past.epoch };
    Ok((Alerting(judges), part))
}

impl Alerting {
    /// Takes frames in receive order, as they are stored. Runs in the caller's thread and does not wait for anything.
    pub fn judge(&self, frames: &[Frame]) {
        self.0.judge(frames);
    }

    /// A connection of this device is read no more (`on`) or again: its silence pauses meanwhile.
    pub fn hold(&self, device: DeviceKey, on: bool, at: Timestamp) {
        self.0.with(device, |watch, out| watch.hold(on, at, out));
    }

    /// A device connected (`on`) or went: one that connects and sends nothing is missed like one that falls silent.
    /// Gateways and services send nothing of their own.
    pub fn connected(&self, device: DeviceKey, on: bool, at: Timestamp) {
        let measures = self.0.roster.borrow().by_key(device).is_some_and(|known| known.kind == DeviceKind::Device);
        if measures {
            self.0.with(device, |watch, out| watch.connected(on, at, out));
        }
    }

    /// Clients with this device's identity take over from each other, more often than a bad link explains.
    pub fn flapping(&self, device: DeviceKey, at: Timestamp) {
        self.0.with(device, |watch, out| watch.flapping(at, out));
    }

    /// The process stood still meanwhile: that a device was not heard then is no silence of its own.
    pub fn slept(&self, from: Timestamp, until: Timestamp) {
        self.0.shards.each(&self.0.outbox, |watch, out| watch.slept(from, until, out));
    }

    /// Says whether a condition of the system itself holds, such as `database_away`.
    pub fn system(&self, code: &str, present: bool, at: Timestamp) {
        let mut system = self.0.system.lock();
        self.0.outbox.send(system.set(code, present, at).into_iter().collect());
    }

    /// The latest transition of each active alarm, in order.
    pub fn active(&self) -> Vec<Transition> {
        self.0.outbox.active()
    }

    /// (epoch, seq) of the latest transition.
    pub fn position(&self) -> (i64, i64) {
        self.0.outbox.position()
    }
}

impl Judges {
    /// None: the device is revoked, and what still comes from it before its connection is cut pages nobody.
    fn meet(&self, device: DeviceKey) -> Option<DeviceWatch> {
        let roster = self.roster.borrow();
        let known = roster.by_key(device);
        if known.is_some_and(|known| known.revoked) {
            return None;
        }
        Some(DeviceWatch::new(device, self.profiles.of(known).clone()))
    }

    fn judge(&self, frames: &[Frame]) {
        self.shards.judge(frames, &self.outbox, |device| self.meet(device));
    }

    fn with<T>(
        &self,
        device: DeviceKey,
        act: impl FnOnce(&mut DeviceWatch, &mut Vec<crate::engine::Signal>) -> T,
    ) -> Option<T> {
        self.shards.with(device, || self.meet(device), &self.outbox, act)
    }

    fn advance(&self, now: Timestamp) {
        self.shards.each(&self.outbox, |watch, out| watch.advance(now, out));
    }

    fn restart(&self, stopped_at: Timestamp, started_at: Timestamp) {
        self.shards.each(&self.outbox, |watch, out| watch.restart(stopped_at, started_at, out));
    }

    fn recall(&self, recalled: Recalled) {
        self.with(recalled.device, |watch, out| watch.recall(recalled.clock, recalled.heard_at, out));
    }

    /// Takes over an active alarm as of `at`. False: its rule is gone.
    fn seed(&self, device: DeviceKey, at: Timestamp, alarm: &KnownAlarm) -> bool {
        self.with(device, |watch, out| {
            watch.advance(at, out);
            watch.seed(alarm.rule.id, alarm.onset, alarm.raised, alarm.value)
        })
        .unwrap_or(false)
    }

    fn follow_roster(&self, at: Timestamp) {
        let roster = self.roster.borrow().clone();
        self.shards.follow(&roster, &self.profiles, at, &self.outbox);
    }
}

impl Part {
    /// Runs until `stop`, then looks at the clock a last time, stores what is left and ends the epoch. `looking` is called
    /// before each look, with its time: it may say first that the process slept.
    pub async fn run(
        self,
        looking: impl Fn(Timestamp) + Send + Sync + 'static,
        stop: CancellationToken,
    ) -> Result<(), Error> {
        let Self { judges, pool, clock, epoch } = self;
        let looked = CancellationToken::new();
        let ticks = async {
            tick(&judges, &clock, &looking, &stop).await;
            let stopped_at = clock.now();
            looking(stopped_at);
            judges.advance(stopped_at);
            looked.cancel();
            stopped_at
        };
        let (stopped_at, ()) = tokio::join!(ticks, writer::run(pool.clone(), judges.outbox.clone(), looked.clone()));
        let end = async { store::alarms::end_epoch(&pool.get().await?, epoch, stopped_at).await };
        end.await.map_err(Error::database("end the engine's epoch"))
    }
}

async fn tick(judges: &Judges, clock: &Clock, looking: &impl Fn(Timestamp), stop: &CancellationToken) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut roster = judges.roster.clone();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.cancelled() => return,
        }
        let now = clock.now();
        looking(now);
        judges.advance(now.plus_millis(-MARGIN_MS));
        // An error says that nobody follows the roster any more: the last one stays.
        if roster.has_changed().unwrap_or(false) {
            roster.mark_unchanged();
            judges.follow_roster(now);
        }
    }
}
