use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use store::Pool;
use tokio::sync::{mpsc, oneshot};
use vitals::EventId;

use super::record::Record;
use super::store::insert;

/// How long the first event of a batch waits for others.
const GATHER: Duration = Duration::from_millis(5);

/// Events in one batch: at this size one writer commits 48,700 a second (`benches/results`), ten times what one machine answers.
const BATCH: usize = 200;

/// Events that wait for the batch before theirs to be committed. More wait in their requests.
const QUEUE: usize = 1_024;

/// The event could be written neither to the database nor to the disk.
#[derive(Debug, thiserror::Error)]
#[error("the audit takes no events")]
pub(crate) struct Unrecorded;

type Answer = oneshot::Sender<Result<(), Unrecorded>>;

/// The one task of this process that commits the events of reads. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Committer {
    queue: mpsc::Sender<(Record, Answer)>,
}

impl Committer {
    /// `unsealed` is told what was committed. The task ends with the last `Committer`.
    pub(crate) fn start(pool: Pool, unsealed: Arc<Mutex<Vec<EventId>>>) -> (Self, impl Future<Output = ()>) {
        let (queue, from) = mpsc::channel(QUEUE);
        (Self { queue }, run(pool, unsealed, from))
    }

    /// Ends once the event is durable.
    pub(crate) async fn commit(&self, record: Record) -> Result<(), Unrecorded> {
        let (answer, told) = oneshot::channel();
        self.queue.send((record, answer)).await.map_err(|_| Unrecorded)?;
        told.await.map_err(|_| Unrecorded)?
    }
}

async fn run(pool: Pool, unsealed: Arc<Mutex<Vec<EventId>>>, mut from: mpsc::Receiver<(Record, Answer)>) {
    while let Some(first) = from.recv().await {
        let (mut records, mut answers) = (vec![first.0], vec![first.1]);
        let until = tokio::time::Instant::now() + GATHER;
        while records.len() < BATCH
            && let Ok(Some((record, answer))) = tokio::time::timeout_at(until, from.recv()).await
        {
            records.push(record);
            answers.push(answer);
        }
        let stored = store(&pool, &records).await;
        unsealed.lock().extend(records.iter().map(|record| record.id));
        for answer in answers {
            // Whoever asked may have left; the event stays.
            drop(answer.send(if stored.is_ok() { Ok(()) } else { Err(Unrecorded) }));
        }
    }
}

async fn store(pool: &Pool, records: &[Record]) -> Result<(), store::Error> {
    let stored = async { insert(&pool.get().await?, records).await }.await;
    if let Err(error) = &stored {
        tracing::warn!(error = error as &dyn std::error::Error, events = records.len(), "commit events of the audit");
    }
    stored
}
