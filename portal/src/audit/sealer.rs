use std::collections::VecDeque;
use std::time::Duration;

use ahash::AHashSet;
use parking_lot::Mutex;
use store::{Pool, Transaction};
use tokio::sync::Mutex as AsyncMutex;
use uuid::Uuid;
use vitals::{Clock, EventId, Timestamp};

use super::chain::{self, Hash, Place};
use super::links::{self, Made};

/// An event is in the chain within a second: half of it is spent waiting at most.
pub(crate) const EVERY: Duration = Duration::from_millis(500);

/// Links appended in one transaction.
const BATCH: usize = 1_000;

/// Events that wait to be sealed: ten seconds of ten thousand requests. Beyond, none is written that would stay without a link.
const WAITING: usize = 100_000;

/// After this long a transaction whose end was never told has ended, one way or the other.
const UNTOLD_MS: i64 = 120_000;

/// An event is committed at most so long after the time that it says: its batch waits for the database, and then commits.
const LATE_MS: i64 = 30_000;

/// Appends this process's events to a chain of its own. Only what was announced by this process gets in, so that a row
/// which somebody puts into the table stays without a link.
pub(crate) struct Sealer {
    /// As `vigil_audit`.
    pool: Pool,
    clock: Clock,
    stream: Uuid,
    /// What is later is this process's own to announce.
    opened_at: Timestamp,
    waiting: Mutex<VecDeque<Announced>>,
    tip: AsyncMutex<Option<Tip>>,
}

#[derive(Clone, Copy)]
struct Announced {
    event: EventId,
    at: Timestamp,
    adopted: bool,
}

/// The last link. None in its place: it must be read first.
#[derive(Clone, Copy)]
struct Tip {
    seq: i64,
    hash: Hash,
}

impl Sealer {
    pub(crate) fn new(pool: Pool, clock: Clock) -> Self {
        let opened_at = clock.now();
        Self {
            pool,
            clock,
            stream: EventId::new(opened_at).0,
            opened_at,
            waiting: Mutex::default(),
            tip: AsyncMutex::new(None),
        }
    }

    /// Asked before anything is committed that will be announced.
    pub(crate) fn has_room(&self) -> bool {
        self.waiting.lock().len() < WAITING
    }

    /// These were committed, or may be yet.
    pub(crate) fn announce(&self, events: impl IntoIterator<Item = EventId>) {
        self.put(events, false);
    }

    fn put(&self, events: impl IntoIterator<Item = EventId>, adopted: bool) {
        let at = self.clock.now();
        self.waiting.lock().extend(events.into_iter().map(|event| Announced { event, at, adopted }));
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

    pub(crate) fn stream(&self) -> Uuid {
        self.stream
    }

    pub(crate) fn opened_at(&self) -> Timestamp {
        self.opened_at
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
        let announced: AHashSet<_> =
            batch.iter().filter(|announced| !announced.adopted).map(|announced| announced.event.0).collect();
        let mut made = Vec::with_capacity(found.len());
        for event in &found {
            let adopted = !announced.contains(&event.id);
            (seq, hash) = (seq + 1, chain::link(&hash, event, adopted));
            made.push(Made { seq, event: event.id, hash, adopted });
        }
        links::append(tx.db(), self.stream, &made).await?;
        // Where each was found none is absent, which is so nearly always.
        let absent = if found.len() == ids.len() { AHashSet::new() } else { links::absent(tx.db(), &ids).await? };
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
    /// lies between the last head that is signed and our own start. It is marked, since somebody may have put it there;
    /// anything else without a link stays so. `verify` names both.
    pub(crate) async fn adopt(&self, last_head: Timestamp) -> Result<usize, store::Error> {
        let (since, before) = (last_head.plus_millis(-LATE_MS), self.opened_at);
        let tx = Transaction::read_only(&self.pool, links::AS_AUDIT).await?;
        let orphans = links::orphans(tx.db(), since, before).await?;
        tx.rollback().await?;
        self.put(orphans.iter().copied().map(EventId), true);
        self.seal().await?;
        Ok(orphans.len())
    }
}
