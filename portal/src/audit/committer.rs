use std::sync::Arc;
use std::time::Duration;

use store::Pool;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, MissedTickBehavior, interval, timeout, timeout_at};

use super::record::Record;
use super::sealer::Sealer;
use super::spool::Spool;
use super::store::insert;

/// How long the first event of a batch waits for others.
const GATHER: Duration = Duration::from_millis(5);

/// Events in one batch: at this size one writer commits ten times what one machine answers.
const BATCH: usize = 200;

/// Events that wait while the batch before theirs is committed. More wait in their requests.
const QUEUE: usize = 1_024;

/// How long the database may take for a batch before it counts as away and the events go to the disk.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a database that was away is asked again.
const AGAIN: Duration = Duration::from_secs(1);

/// The event could be written neither to the database nor to the disk.
#[derive(Debug, thiserror::Error)]
#[error("the audit takes no events")]
pub(crate) struct Unrecorded;

struct Job {
    record: Record,
    answer: oneshot::Sender<Result<(), Unrecorded>>,
}

/// The one task of this process that commits the events of reads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Committer {
    queue: mpsc::Sender<Job>,
}

impl Committer {
    /// The task ends with the last `Committer`, once it has written what came before.
    pub(crate) fn start(pool: Pool, sealer: Arc<Sealer>, spool: Option<Spool>) -> (Self, impl Future<Output = ()>) {
        let (queue, from) = mpsc::channel(QUEUE);
        let writer = Writer { pool, sealer, spool, away: false };
        (Self { queue }, writer.run(from))
    }

    /// Ends once the event is durable.
    pub(crate) async fn commit(&self, record: Record) -> Result<(), Unrecorded> {
        let (answer, told) = oneshot::channel();
        self.queue.send(Job { record, answer }).await.map_err(|_| Unrecorded)?;
        told.await.map_err(|_| Unrecorded)?
    }
}

struct Writer {
    pool: Pool,
    sealer: Arc<Sealer>,
    /// None of a command, and while it is lent to the thread that writes it.
    spool: Option<Spool>,
    /// The database did not take the last batch: until it takes one again, events go to the disk at once.
    away: bool,
}

impl Writer {
    async fn run(mut self, mut from: mpsc::Receiver<Job>) {
        let mut again = interval(AGAIN);
        again.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                // First, since it comes once a second, and requests may never stop.
                _ = again.tick(), if self.spooled() => self.drain().await,
                first = from.recv() => match first {
                    Some(first) => self.write(gather(first, &mut from).await).await,
                    None => break,
                },
            }
        }
    }

    fn spooled(&self) -> bool {
        self.spool.as_ref().is_some_and(|spool| !spool.is_empty())
    }

    async fn write(&mut self, jobs: Vec<Job>) {
        let (records, answers): (Vec<_>, Vec<_>) =
            jobs.into_iter().map(|Job { record, answer }| (record, answer)).unzip();
        let mut written = vec![true; records.len()];
        // With nothing on the disk that is older, the database is asked again each time: a disk that is full as well keeps
        // nobody out once the database is back.
        let to_disk = (self.away && self.spooled()) || !self.sealer.has_room();
        if to_disk || !self.store(&records, &mut written).await {
            let spooled = self.lend(move |spool| {
                let outcome = spool.append(&records);
                if let Err(error) = &outcome {
                    tracing::error!(error = error as &dyn std::error::Error, "write events of the audit to the disk");
                }
                outcome.is_ok()
            });
            written = vec![spooled.await.unwrap_or(false); written.len()];
            metrics::counter!("vigil_audit_events_spooled_total").increment(written.len() as u64);
        }
        for (answer, written) in answers.into_iter().zip(written) {
            // Whoever asked may have left; the event stays.
            drop(answer.send(if written { Ok(()) } else { Err(Unrecorded) }));
        }
    }

    /// False: the database is away. An event that is itself at fault fails alone.
    async fn store(&mut self, records: &[Record], written: &mut [bool]) -> bool {
        match self.insert(records).await {
            Ok(()) => {
                self.away = false;
                return true;
            }
            Err(error) if error.blames_row() && records.len() > 1 => {}
            Err(error) if error.blames_row() => {
                refused(&error, &records[0]);
                written[0] = false;
                return true;
            }
            Err(error) => {
                self.away = true;
                tracing::warn!(error = &error as &dyn std::error::Error, "the database takes no events of the audit");
                return false;
            }
        }
        for (record, written) in records.iter().zip(written) {
            match self.insert(std::slice::from_ref(record)).await {
                Ok(()) => {}
                Err(error) if error.blames_row() => {
                    refused(&error, record);
                    *written = false;
                }
                // Those that are there already are passed over when the spool is drained.
                Err(_) => return false,
            }
        }
        true
    }

    async fn insert(&self, records: &[Record]) -> Result<(), store::Error> {
        let inserted = async { insert(&self.pool.get().await?, records).await };
        timeout(PATIENCE, inserted).await.unwrap_or(Err(store::Error::Unanswered(PATIENCE.as_secs())))?;
        self.sealer.announce(records.iter().map(|record| record.id));
        metrics::counter!("vigil_audit_batches_total").increment(1);
        Ok(())
    }

    /// Brings one batch from the disk into the database, where its events are known by their ids.
    async fn drain(&mut self) {
        if !self.sealer.has_room() {
            return;
        }
        let Some(Ok((records, end))) = self.lend(|spool| spool.next(BATCH)).await else { return };
        let mut written = vec![true; records.len()];
        if !self.store(&records, &mut written).await {
            return;
        }
        self.away = false; // also where the table refused one alone
        // Sealed before they go from the disk: an event that is in the table and in no chain would look like one that
        // somebody put there.
        if self.sealer.seal().await.is_err() {
            return;
        }
        let refused: Vec<_> = records.into_iter().zip(written).filter(|(_, written)| !written).collect();
        let drained = self.lend(move |spool| {
            for (record, _) in &refused {
                spool.set_aside(&[serde_json::to_vec(record)?, b"\n".to_vec()].concat())?;
            }
            spool.drained(end)
        });
        if let Some(Err(error)) = drained.await {
            tracing::error!(error = &error as &dyn std::error::Error, "empty the spool of the audit");
        }
    }

    /// Runs on a thread that may wait for the disk. None: it panicked.
    async fn lend<T: Send + 'static>(&mut self, work: impl FnOnce(&mut Spool) -> T + Send + 'static) -> Option<T> {
        let mut spool = self.spool.take()?;
        let lent = tokio::task::spawn_blocking(move || {
            let done = work(&mut spool);
            (spool, done)
        });
        let (spool, done) = lent.await.ok()?;
        self.spool = Some(spool);
        Some(done)
    }
}

async fn gather(first: Job, from: &mut mpsc::Receiver<Job>) -> Vec<Job> {
    let (mut jobs, until) = (vec![first], Instant::now() + GATHER);
    while jobs.len() < BATCH
        && let Ok(Some(job)) = timeout_at(until, from.recv()).await
    {
        jobs.push(job);
    }
    jobs
}

fn refused(error: &store::Error, record: &Record) {
    metrics::counter!("vigil_audit_events_refused_total").increment(1);
    tracing::error!(error = error as &dyn std::error::Error, event = %record.id, "the database refuses an event of the audit");
}
