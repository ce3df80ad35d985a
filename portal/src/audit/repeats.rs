use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ahash::AHashMap;
use aws_lc_rs::digest;
use parking_lot::Mutex;
use tokio::sync::OnceCell;
use vitals::{EventId, Timestamp};

use super::committer::{Committer, Unrecorded};
use super::record::Record;

/// For how long the same request of the same session is the same access.
const SAME_MS: i64 = 60_000;

/// Accesses remembered at once: ten screens of a hundred people. Beyond, each request is an event of its own.
const REMEMBERED: usize = 16_384;

/// What makes two requests the same access.
/// Only its digest is kept: a path may be long, and so may a list of patients.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Sameness([u8; 32]);

impl Sameness {
    /// `target` is path and query; of what was refused only the endpoint, so that nobody outside can fill the table.
    /// `address` is from where, where nobody is known.
    pub(crate) fn of(record: &Record, target: &str, address: Option<IpAddr>) -> Self {
        let Record { agent, purpose, outcome, entity, subjects, worn, .. } = record;
        let same = (target, address, agent, purpose, outcome, entity, subjects, worn);
        let same = serde_json::to_vec(&same).expect("words and identifiers are plain data");
        let digest = digest::digest(&digest::SHA256, &same);
        Self(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

struct Access {
    /// Set once the event of the first request is durable; those that come with it wait for that.
    first: OnceCell<Record>,
    begun: Timestamp,
    more: AtomicU32,
}

/// Identical requests within a minute: the first is an event, those after it a count.
#[derive(Default)]
pub(crate) struct Repeats(Mutex<Book>);

#[derive(Default)]
struct Book {
    open: AHashMap<Sameness, Arc<Access>>,
    /// Followed by another one of the same before their counts were taken.
    over: Vec<Arc<Access>>,
}

impl Repeats {
    pub(crate) async fn commit(&self, committer: &Committer, same: Sameness, record: Record) -> Result<(), Unrecorded> {
        let Some(access) = self.access(&same, record.at) else { return committer.commit(record).await };
        let mut ours = false;
        let first = access.first.get_or_try_init(async || {
            ours = true;
            committer.commit(record.clone()).await?;
            // Sealed for the row of the first, the detail would open in no other.
            Ok(Record { detail_sealed: None, ..record.clone() })
        });
        first.await?;
        if ours || self.count(&same, &access) { Ok(()) } else { committer.commit(record).await }
    }

    /// None where no more can be remembered.
    fn access(&self, same: &Sameness, now: Timestamp) -> Option<Arc<Access>> {
        let book = &mut *self.0.lock();
        if let Some(access) = book.open.get(same)
            && now.millis_since(access.begun) < SAME_MS
        {
            return Some(access.clone());
        }
        if book.open.len() + book.over.len() >= REMEMBERED {
            return None;
        }
        let access = Arc::new(Access { first: OnceCell::new(), begun: now, more: AtomicU32::new(0) });
        book.over.extend(book.open.insert(same.clone(), access.clone()));
        Some(access)
    }

    /// One more of this access. False: its count was taken meanwhile.
    fn count(&self, same: &Sameness, access: &Arc<Access>) -> bool {
        let book = self.0.lock();
        let known = book.open.get(same).into_iter().chain(&book.over).any(|known| Arc::ptr_eq(known, access));
        if known {
            access.more.fetch_add(1, Ordering::Relaxed);
        }
        known
    }

    /// Takes out the accesses that are over by now, each as an event that says how often it was repeated.
    pub(crate) fn over(&self, now: Timestamp) -> Vec<Record> {
        self.take(now, |access| now.millis_since(access.begun) >= SAME_MS)
    }

    pub(crate) fn all(&self, now: Timestamp) -> Vec<Record> {
        self.take(now, |_| true)
    }

    fn take(&self, now: Timestamp, over: impl Fn(&Access) -> bool) -> Vec<Record> {
        let book = &mut *self.0.lock();
        let mut taken = std::mem::take(&mut book.over);
        book.open.retain(|_, access| {
            let over = over(access);
            taken.extend(over.then(|| access.clone()));
            !over
        });
        let counted = taken.iter().filter_map(|access| {
            let more = access.more.load(Ordering::Relaxed);
            let first = access.first.get().filter(|_| more > 0)?;
            let times = i32::try_from(more).unwrap_or(i32::MAX);
            Some(Record { id: EventId::new(now), at: now, times, ..first.clone() })
        });
        counted.collect()
    }
}
