use std::collections::VecDeque;
use std::time::Duration;

use parking_lot::Mutex;
use store::{Pool, Transaction};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;
use vitals::{Clock, EventId, Timestamp};

use super::chain::{self, Hash, Place};
use super::links;

/// An event is in the chain within a second: half of it is spent waiting at most.
pub(crate) const EVERY: Duration = Duration::from_millis(500);

/// Links appended in one transaction.
const BATCH: usize = 1_000;

/// Events that wait to be sealed: ten seconds of ten thousand requests. What is beyond is found again by [`Sealer::adopt`].
const WAITING: usize = 100_000;

/// After this long a transaction whose end was never told has ended, one way or the other.
const UNTOLD_MS: i64 = 120_000;

/// What another process committed and did not seal within this time, it never will.
const ORPHANED_MS: i64 = 30_000;

/// Appends this process's events to a chain of its own. Only what was announced by this process gets in, so that a row
/// which somebody puts into the table stays without a link.
pub(crate) struct Sealer {
    /// As `vigil_audit`.
    pool: Pool,
    clock: Clock,
    stream: Uuid,
    waiting: Mutex<VecDeque<Announced>>,
    tip: AsyncMutex<Option<Tip>>,
}

#[derive(Clone, Copy)]
struct Announced {
    event: EventId,
    at: Timestamp,
}

/// The last link. None in its place: it must be read first.
#[derive(Clone, Copy)]
struct Tip {
    seq: i64,
    hash: Hash,
}

impl Sealer {
    pub(crate) fn new(pool: Pool, clock: Clock) -> Self {
        let stream = vitals::EventId::new(clock.now()).0;
        Self { pool, clock, stream, waiting: Mutex::default(), tip: AsyncMutex::new(None) }
    }

    /// These were committed, or may have been.
    pub(crate) fn announce(&self, events: impl IntoIterator<Item = EventId>) {
        let (at, mut waiting) = (self.clock.now(), self.waiting.lock());
        for event in events {
            if waiting.len() < WAITING {
                waiting.push_back(Announced { event, at });
            }
        }
    }

    /// Appends a link for everything announced. What fails is tried again with the next call.
    pub(crate) async fn seal(&self) -> Result<(), store::Error> {
        let mut tip = self.tip.lock().await;
        let mut untold = Vec::new();
        let sealed = loop {
            let batch: Vec<_> = {
                let mut waiting = self.waiting.lock();
                let take = waiting.len().min(BATCH);
                waiting.drain(..take).collect()
            };
            if batch.is_empty() {
                break Ok(());
            }
            match self.append(&mut tip, &batch).await {
                Ok(absent) => untold.extend(absent),
                Err(error) => {
                    // Whether it committed is unknown: where the chain ends is read anew.
                    *tip = None;
                    untold.extend(batch);
                    break Err(error);
                }
            }
        };
        self.waiting.lock().extend(untold);
        sealed
    }

    /// The last link of this process's chain, where there is one.
    pub(crate) async fn place(&self) -> Option<Place> {
        let tip = *self.tip.lock().await;
        tip.filter(|tip| tip.seq > 0).map(|tip| Place { stream: self.stream, seq: tip.seq, hash: tip.hash })
    }

    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.lock().len()
    }

    /// Those that are neither in the table nor too old to come.
    async fn append(&self, tip: &mut Option<Tip>, batch: &[Announced]) -> Result<Vec<Announced>, store::Error> {
        let ids: Vec<_> = batch.iter().map(|announced| announced.event.0).collect();
        let tx = Transaction::read_write(&self.pool, links::AS_AUDIT).await?;
        let Tip { mut seq, mut hash } = match *tip {
            Some(tip) => tip,
            None => self.open(&tx).await?,
        };
        let found = links::unlinked(tx.db(), &ids).await?;
        let mut made = Vec::with_capacity(found.len());
        for event in &found {
            (seq, hash) = (seq + 1, chain::link(&hash, event));
            made.push((seq, event.id, hash));
        }
        links::append(tx.db(), self.stream, &made).await?;
        let absent = links::absent(tx.db(), &ids).await?;
        tx.commit().await?;
        *tip = Some(Tip { seq, hash });
        let now = self.clock.now();
        for announced in batch.iter().filter(|announced| !absent.contains(&announced.event.0)) {
            metrics::histogram!("vigil_audit_sealed_lag_seconds").record(now.micros_since(announced.at) as f64 / 1e6);
        }
        let untold =
            |announced: &&Announced| absent.contains(&announced.event.0) && now.millis_since(announced.at) < UNTOLD_MS;
        Ok(batch.iter().filter(untold).copied().collect())
    }

    /// Where this process's chain ends; begun where it has not been.
    async fn open(&self, tx: &Transaction) -> Result<Tip, store::Error> {
        if let Some(Place { seq, hash, .. }) = links::last(tx.db(), self.stream).await? {
            return Ok(Tip { seq, hash });
        }
        let (opened_at, after) = match links::opened(tx.db(), self.stream).await? {
            Some(opened) => opened,
            None => {
                let (opened_at, after) = (self.clock.now(), links::newest(tx.db()).await?);
                links::begin(tx.db(), self.stream, opened_at, after).await?;
                (opened_at, after)
            }
        };
        Ok(Tip { seq: 0, hash: chain::genesis(self.stream, opened_at, after) })
    }

    /// Takes over what a process that ended without warning had committed and not sealed: at most its last second, which
    /// lies between its last link and our own start. Anything else without a link stays so, and `verify` names it.
    pub(crate) async fn adopt(&self) -> Result<usize, store::Error> {
        let before = self.clock.now().plus_millis(-ORPHANED_MS);
        let tx = Transaction::read_only(&self.pool, links::AS_AUDIT).await?;
        let orphans = links::orphans(tx.db(), before).await?;
        tx.rollback().await?;
        self.announce(orphans.iter().copied().map(EventId));
        self.seal().await?;
        Ok(orphans.len())
    }
}
