//! The engine's state after a restart: what the stored frames of the last minutes make of it (design §4.4).

use store::alarms::{self, AlarmRow};
use store::{Pool, frames, recall, spans};
use vitals::{ClockOffset, DeviceKey, Timestamp};

use super::Judges;
use super::known::{Known, KnownAlarm};
use super::recall::{JUDGED_MS, recollect};
use super::replay::Replay;

/// How far back at most the engine is followed while it ran for less than `JUDGED_MS`: servers that are started again and
/// again are down most of the time.
const FARTHEST_MS: i64 = 12 * 60_000;

/// Takeovers leave no frame: in a replay it would end a minute after whatever it is taken over at.
const DUPLICATE: &str = "duplicate_identity";

/// After a crash the last stop is known from each device's newest frame; others may have been received a little later.
const SLACK_MS: i64 = 60_000;

/// Everything the database says about the time before this run.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) epoch: i64,
    pub(super) started_at: Timestamp,
    /// None: the engine runs for the first time.
    pub(super) stopped_at: Option<Timestamp>,
    pub(super) alarms: Vec<KnownAlarm>,
    /// Those of the last minutes, oldest first, but for this one.
    pub(super) runs: Vec<Run>,
}

/// One run of the engine.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    pub(super) started_at: Timestamp,
    /// When the one before it stopped; None: it crashed before that was written down.
    pub(super) stopped_before: Option<Timestamp>,
}

/// What is replayed: from `judged_from` on every frame; of the time before, since `read_from`, what still matters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    pub(super) read_from: Timestamp,
    pub(super) judged_from: Timestamp,
    pub(super) until: Timestamp,
}

impl Past {
    /// Begins an epoch.
    pub(super) async fn read(pool: &Pool, started_at: Timestamp) -> Result<Self, store::Error> {
        let db = pool.get().await?;
        // A clock that was set back since must not end a run in the future: every delay until then would be over at once.
        let stopped_at = alarms::last_stop(&db, started_at).await?.map(|at| at.min(started_at));
        if let Some(stopped_at) = stopped_at {
            alarms::end_crashed(&db, stopped_at).await?;
        }
        let since = stopped_at.unwrap_or(started_at).plus_millis(-FARTHEST_MS - ClockOffset::MEMORY_MS);
        let alarms = alarms::touching(&db, since).await?.into_iter().map(KnownAlarm::from).collect();
        let runs = alarms::runs(&db, since).await?.into_iter();
        let run = |(started_at, stopped): (Timestamp, Option<Timestamp>)| Run {
            started_at,
            stopped_before: stopped.map(|at| at.min(started_at)),
        };
        let runs = runs.map(run).collect();
        let epoch = alarms::begin_epoch(&db, started_at).await?;
        Ok(Self { epoch, started_at, stopped_at, alarms, runs })
    }

    pub(super) fn known(&self) -> Known {
        Known::new(self.alarms.iter().cloned())
    }

    /// Brings the judges to where the last run was, tells what it could not store any more, and goes on from there.
    pub(super) async fn replay(&self, judges: &Judges, pool: &Pool) -> Result<(), store::Error> {
        if let Some(stopped_at) = self.stopped_at {
            let (recalled, frames) = self.frames(judges, pool, self.stretch(stopped_at)).await?;
            judges.restart(stopped_at, self.started_at);
            tracing::info!(recalled, frames, epoch = self.epoch, "the engine is where it stopped");
        }
        self.reconcile(judges);
        Ok(())
    }

    /// Down time is no time: frames are judged from so far back that the engine ran for `JUDGED_MS` since. From the start of a
    /// minute, since clocks are recalled by the minute.
    pub(super) fn stretch(&self, stopped_at: Timestamp) -> Stretch {
        let (mut left, mut end) = (JUDGED_MS, stopped_at);
        for Run { started_at, stopped_before } in self.runs.iter().rev().filter(|run| run.started_at <= stopped_at) {
            let ran = end.millis_since(*started_at).max(0);
            if ran >= left {
                break;
            }
            left -= ran;
            // Not known: it may have stopped as soon as it had begun.
            end = stopped_before.unwrap_or(stopped_at.plus_millis(-FARTHEST_MS)).min(end);
        }
        let farthest = stopped_at.plus_millis(-FARTHEST_MS);
        let judged_from = end.plus_millis(-left).max(farthest).minute();
        let read_from = judged_from.plus_millis(-ClockOffset::MEMORY_MS);
        Stretch { read_from, judged_from, until: self.started_at.min(stopped_at.plus_millis(SLACK_MS)) }
    }

    /// Alarms that were active at `at`, of some devices; but those that no frame prolongs, which `reconcile` lets go on.
    pub(super) fn seed(&self, judges: &Judges, at: Timestamp, of: impl Fn(DeviceKey) -> bool) {
        let active = |alarm: &&KnownAlarm| {
            alarm.rule.code != DUPLICATE && alarm.raised <= at && alarm.ended.is_none_or(|ended| ended >= at)
        };
        for alarm in self.alarms.iter().filter(active) {
            if let Some(device) = alarm.device.filter(|device| of(*device)) {
                judges.seed(device, at, alarm);
            }
        }
    }

    /// How many devices were recalled, and how many frames read.
    async fn frames(&self, judges: &Judges, pool: &Pool, stretch: Stretch) -> Result<(usize, usize), store::Error> {
        let mut db = pool.get().await?;
        let tx = db.transaction().await?;
        tx.batch_execute(spans::UNHURRIED).await?;
        let minutes = recall::recall(&tx, stretch.read_from, stretch.until).await?;
        let roster = judges.roster.borrow().clone();
        let recalled = recollect(&minutes, stretch.judged_from, |device| judges.profiles.of(roster.by_key(device)));
        let count = recalled.len();
        let mut replay = Replay::new(self, judges, stretch, recalled);
        let mut received = frames::received_between(&tx, |device| Some(replay.wants(device)), stretch.until).await?;
        loop {
            let some = received.next().await?;
            if some.is_empty() {
                return Ok((count, replay.end()));
            }
            replay.take(&some);
        }
    }

    /// What was told and goes on is active, whether the stored frames show it or not: the frame that began it may have
    /// been judged and never stored.
    pub(super) fn reconcile(&self, judges: &Judges) {
        let mut known = judges.outbox.replayed();
        judges.outbox.send(known.silences());
        for alarm in known.iter().filter(|alarm| alarm.ended.is_none()) {
            let kept = alarm.device.is_some_and(|device| judges.seed(device, self.started_at, alarm));
            if kept {
                judges.outbox.goes_on(alarm.raised());
            } else {
                // Its rule is gone, or it spoke of the process that ended.
                judges.outbox.send(vec![alarm.cleared(self.started_at)]);
            }
        }
    }
}

impl From<AlarmRow> for KnownAlarm {
    fn from(row: AlarmRow) -> Self {
        let AlarmRow { device, rule, onset_at, raised_at, ended_at, value, .. } = row;
        Self { device, rule, onset: onset_at, raised: raised_at, ended: ended_at, value }
    }
}
