//! What was accepted and is not yet durable: bounded for each connection and for all of them together.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::sync::Notify;

/// Bytes held by all connections. What a submission holds comes back when it is dropped, committed or not.
#[derive(Debug)]
pub(crate) struct Budget {
    held: AtomicUsize,
    limit: usize,
    freed: Notify,
}

impl Budget {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), limit, freed: Notify::new() })
    }

    fn full(&self) -> bool {
        self.held.load(Ordering::Relaxed) >= self.limit
    }

    pub(crate) fn hold(self: &Arc<Self>, bytes: usize) -> Held {
        self.held.fetch_add(bytes, Ordering::Relaxed);
        Held { budget: self.clone(), bytes }
    }
}

#[derive(Debug)]
pub(crate) struct Held {
    budget: Arc<Budget>,
    bytes: usize,
}

impl Drop for Held {
    fn drop(&mut self) {
        let before = self.budget.held.fetch_sub(self.bytes, Ordering::Relaxed);
        if before >= self.budget.limit {
            self.budget.freed.notify_waiters();
        }
    }
}

/// Says that what was submitted together is durable. One a burst and writer, not one a message.
#[derive(Debug)]
pub(crate) struct Ticket {
    durable: AtomicBool,
    connection: Arc<Notify>,
}

impl Ticket {
    /// Called by the writer, after the commit and never before.
    pub(crate) fn commit(&self) {
        self.durable.store(true, Ordering::Release);
        self.connection.notify_one();
    }

    fn is_durable(&self) -> bool {
        self.durable.load(Ordering::Acquire)
    }
}

struct Entry {
    /// None for QoS 0, which is stored all the same but acknowledged to nobody.
    pkid: Option<u16>,
    /// None: nothing had to be stored.
    ticket: Option<Arc<Ticket>>,
    bytes: usize,
}

impl Entry {
    fn is_durable(&self) -> bool {
        self.ticket.as_ref().is_none_or(|ticket| ticket.is_durable())
    }
}

/// One connection's messages that are accepted and not yet acknowledged, in order of arrival.
pub(crate) struct Window {
    entries: VecDeque<Entry>,
    bytes: usize,
    limit: usize,
    limit_bytes: usize,
    budget: Arc<Budget>,
    wake: Arc<Notify>,
}

impl Window {
    pub(crate) fn new(limit: usize, limit_bytes: usize, budget: Arc<Budget>) -> Self {
        // A window of nothing would never open.
        let (limit, limit_bytes) = (limit.max(1), limit_bytes.max(1));
        Self { entries: VecDeque::new(), bytes: 0, limit, limit_bytes, budget, wake: Arc::new(Notify::new()) }
    }

    /// Whether the socket may be read.
    pub(crate) fn has_room(&self) -> bool {
        self.entries.len() < self.limit && self.bytes < self.limit_bytes && !self.budget.full()
    }

    /// Messages that may come before the limit is reached.
    pub(crate) fn free(&self) -> usize {
        self.limit.saturating_sub(self.entries.len())
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(crate) fn ticket(&self) -> Arc<Ticket> {
        Arc::new(Ticket { durable: AtomicBool::new(false), connection: self.wake.clone() })
    }

    pub(crate) fn push(&mut self, pkid: Option<u16>, ticket: Option<Arc<Ticket>>, bytes: usize) {
        self.bytes += bytes;
        self.entries.push_back(Entry { pkid, ticket, bytes });
    }

    /// Ready once the oldest message may be acknowledged; never, while there is none.
    pub(crate) async fn committed(&self) {
        while !self.entries.front().is_some_and(Entry::is_durable) {
            // A permit stored between the look and the wait wakes at once.
            self.wake.notified().await;
        }
    }

    /// Ready once `has_room` may answer otherwise because another connection's bytes were freed.
    pub(crate) async fn room(&self) {
        let freed = self.budget.freed.notified();
        tokio::pin!(freed);
        freed.as_mut().enable();
        if self.budget.full() {
            freed.await;
        }
    }

    /// Takes every leading message that is durable, in order: a later one never overtakes an earlier one.
    pub(crate) fn take_committed(&mut self, acks: &mut Vec<u16>) {
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.is_durable()) {
            self.bytes -= entry.bytes;
            acks.extend(entry.pkid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn acknowledgements_keep_their_order_and_wait_for_the_commit() {
        let mut window = Window::new(8, 1_000, Budget::new(1_000));
        let (first, second) = (window.ticket(), window.ticket());
        window.push(Some(1), Some(first.clone()), 10);
        window.push(Some(2), Some(second.clone()), 10);
        window.push(None, Some(second.clone()), 10);
        window.push(Some(3), None, 0);
        let mut acks = Vec::new();
        second.commit();
        window.take_committed(&mut acks);
        assert!(acks.is_empty(), "the first is not durable yet");
        first.commit();
        window.committed().await;
        window.take_committed(&mut acks);
        assert_eq!(acks, [1, 2, 3]);
        assert_eq!((window.len(), window.bytes), (0, 0));
    }

    #[tokio::test]
    async fn room_ends_at_the_windows_and_at_the_common_bound() {
        let budget = Budget::new(100);
        let mut window = Window::new(2, 1_000, budget.clone());
        assert!(window.has_room());
        let held = budget.hold(100);
        assert!(!window.has_room());
        let (room, ()) = tokio::join!(window.room(), async { drop(held) });
        let () = room;
        assert!(window.has_room());
        window.push(Some(1), None, 0);
        window.push(Some(2), None, 0);
        assert!(!window.has_room());
    }
}
