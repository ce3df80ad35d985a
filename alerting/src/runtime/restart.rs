//! The engine's state after a restart: what the stored frames of the last minutes make of it (design §4.4).

use store::alarms::{self, AlarmRow};
use store::{Pool, frames};
use vitals::{Frame, Timestamp};

use super::Judges;
use super::known::{Known, KnownAlarm};

/// How much of the past is replayed: a device's clock is estimated over ten minutes, the longest onset delay is one,
/// and the longest silence two. Older alarms that go on are taken from the table.
const REPLAY_MS: i64 = 12 * 60_000;

/// For the one statement that reads the past: it may take longer than what a screen asks, and its sort gets room.
const UNHURRIED: &str = "SET LOCAL statement_timeout = 0; SET LOCAL work_mem = '64MB'";

/// After a crash the last stop is known from each device's newest frame; others may have been received a little later.
const SLACK_MS: i64 = 60_000;

/// Everything the database says about the time before this run.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) epoch: i64,
    started_at: Timestamp,
    /// None: the engine runs for the first time.
    stopped_at: Option<Timestamp>,
    alarms: Vec<KnownAlarm>,
    /// Runs that began within the replayed time: (started, when the one before stopped unless it crashed).
    runs: Vec<(Timestamp, Option<Timestamp>)>,
}

impl Past {
    /// Begins an epoch.
    pub(super) async fn read(pool: &Pool, started_at: Timestamp) -> Result<Self, store::Error> {
        let db = pool.get().await?;
        let stopped_at = alarms::last_stop(&db, started_at).await?;
        let since = since(stopped_at.unwrap_or(started_at));
        let alarms = alarms::touching(&db, since).await?.into_iter().map(KnownAlarm::from).collect();
        let runs = alarms::runs(&db, since).await?;
        let epoch = alarms::begin_epoch(&db, started_at).await?;
        Ok(Self { epoch, started_at, stopped_at, alarms, runs })
    }

    pub(super) fn known(&self) -> Known {
        Known::new(self.alarms.iter().cloned())
    }

    /// Brings the judges to where the last run was, tells what it could not store any more, and goes on from there.
    pub(super) async fn replay(&self, judges: &Judges, pool: &Pool) -> Result<(), store::Error> {
        if let Some(stopped_at) = self.stopped_at {
            self.seed(judges, since(stopped_at));
            let frames = self.frames(judges, pool, since(stopped_at)).await?;
            judges.restart(stopped_at, self.started_at);
            tracing::info!(frames, epoch = self.epoch, "the engine is where it stopped");
        }
        self.reconcile(judges);
        Ok(())
    }

    /// Alarms that were active when the replayed time began.
    fn seed(&self, judges: &Judges, since: Timestamp) {
        let active = |alarm: &&KnownAlarm| alarm.raised <= since && alarm.ended.is_none_or(|ended| ended >= since);
        for alarm in self.alarms.iter().filter(active) {
            if let Some(device) = alarm.device {
                judges.seed(device, since, alarm);
            }
        }
    }

    async fn frames(&self, judges: &Judges, pool: &Pool, since: Timestamp) -> Result<usize, store::Error> {
        let mut db = pool.get().await?;
        let tx = db.transaction().await?;
        tx.batch_execute(UNHURRIED).await?;
        let (mut last, mut count) = (since, 0);
        let mut runs = self.runs.iter().peekable();
        let end = self.started_at.min(since.plus_millis(REPLAY_MS + SLACK_MS));
        let mut received = frames::received_between(&tx, since, end).await?;
        loop {
            let some = received.next().await?;
            if some.is_empty() {
                break;
            }
            let mut rest = some.as_slice();
            while let Some(first) = rest.first() {
                while let Some((started_at, stopped_at)) = runs.next_if(|(start, _)| *start <= first.received_at) {
                    judges.restart(stopped_at.unwrap_or(last), *started_at);
                    last = last.max(*started_at);
                }
                let next_start = runs.peek().map(|(start, _)| *start);
                let same_run = |frame: &Frame| next_start.is_none_or(|start| frame.received_at < start);
                let (part, later) = rest.split_at(rest.partition_point(same_run));
                judges.judge(part);
                last = part.last().map_or(last, |frame| frame.received_at);
                rest = later;
            }
            count += some.len();
        }
        for (started_at, stopped_at) in runs {
            judges.restart(stopped_at.unwrap_or(last), *started_at);
            last = last.max(*started_at);
        }
        Ok(count)
    }

    /// What was told and goes on is active, whether the stored frames show it or not: the frame that began it may have
    /// been judged and never stored.
    fn reconcile(&self, judges: &Judges) {
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

fn since(stopped_at: Timestamp) -> Timestamp {
    stopped_at.plus_millis(-REPLAY_MS)
}

impl From<AlarmRow> for KnownAlarm {
    fn from(row: AlarmRow) -> Self {
        let AlarmRow { device, rule, onset_at, raised_at, ended_at, value, .. } = row;
        Self { device, rule, onset: onset_at, raised: raised_at, ended: ended_at, value }
    }
}
