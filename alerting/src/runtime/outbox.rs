use std::collections::VecDeque;
use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use vitals::{AlarmId, Transition, What};

use super::Sink;
use crate::engine::Signal;
use crate::runtime::known::Known;

/// Transitions not yet in the database: hours of a busy hospital, some ten megabytes. When it is full the oldest goes,
/// counted and logged; screens have had it.
const QUEUE: usize = 65_536;

/// From here on the queue is for beginnings and ends: what got worse is in the end as well.
const QUEUE_UPDATES: usize = QUEUE / 2;

/// Gives every transition its place, shows it, and keeps it until it is stored.
pub(super) struct Outbox {
    inner: Mutex<Inner>,
    sink: Sink,
    pub(super) filled: Notify,
}

struct Inner {
    epoch: i64,
    seq: i64,
    /// The latest transition of each active alarm.
    active: AHashMap<AlarmId, Transition>,
    queue: VecDeque<Transition>,
    /// While the past is replayed: what was told before.
    known: Option<Known>,
}

impl Outbox {
    pub(super) fn new(epoch: i64, known: Known, sink: Sink) -> Self {
        let inner = Inner { epoch, seq: 0, active: AHashMap::new(), queue: VecDeque::new(), known: Some(known) };
        Self { inner: Mutex::new(inner), sink, filled: Notify::new() }
    }

    /// Numbers and shows signals in their order, under one lock: the order of (epoch, seq) is the order the sink sees.
    pub(super) fn send(&self, signals: Vec<Signal>) {
        if signals.is_empty() {
            return;
        }
        let mut inner = self.inner.lock();
        for signal in signals {
            let signal = match &mut inner.known {
                Some(known) => known.replayed(signal),
                None => Some(signal),
            };
            let Some(signal) = signal else { continue };
            inner.seq += 1;
            let transition = signal.numbered(inner.epoch, inner.seq);
            let (what, priority) = (transition.what.word(), transition.rule.priority.word());
            metrics::counter!("vigil_alarm_transitions_total", "what" => what, "priority" => priority).increment(1);
            (self.sink)(&transition);
            inner.keep(transition);
        }
        metrics::gauge!("vigil_alarms_active").set(inner.active.len() as f64);
        metrics::gauge!("vigil_alarm_transitions_unstored").set(inner.queue.len() as f64);
        drop(inner);
        self.filled.notify_one();
    }

    /// The replay is over. Answers what was known, brought up to date by it.
    pub(super) fn replayed(&self) -> Known {
        self.inner.lock().known.take().unwrap_or_default()
    }

    /// An alarm that was told before this epoch began and goes on.
    pub(super) fn goes_on(&self, signal: Signal) {
        let mut inner = self.inner.lock();
        let transition = signal.numbered(inner.epoch, 0);
        inner.active.insert(transition.alarm, transition);
    }

    /// The oldest transitions that are not stored, at most `limit`.
    pub(super) fn take(&self, limit: usize) -> Vec<Transition> {
        let mut inner = self.inner.lock();
        let count = inner.queue.len().min(limit);
        inner.queue.drain(..count).collect()
    }

    pub(super) fn active(&self) -> Vec<Transition> {
        let mut active: Vec<_> = self.inner.lock().active.values().cloned().collect();
        active.sort_by_key(|transition| (transition.epoch, transition.seq, transition.at));
        active
    }

    pub(super) fn position(&self) -> (i64, i64) {
        let inner = self.inner.lock();
        (inner.epoch, inner.seq)
    }
}

impl Inner {
    fn keep(&mut self, transition: Transition) {
        if transition.what == What::Cleared {
            self.active.remove(&transition.alarm);
        } else {
            self.active.insert(transition.alarm, transition.clone());
        }
        if transition.what == What::Updated && self.queue.len() >= QUEUE_UPDATES {
            metrics::counter!("vigil_alarm_transitions_unstorable_total", "why" => "update").increment(1);
            return;
        }
        if self.queue.len() >= QUEUE
            && let Some(lost) = self.queue.pop_front()
        {
            metrics::counter!("vigil_alarm_transitions_unstorable_total", "why" => "full").increment(1);
            tracing::error!(alarm.id = %lost.alarm, "the queue of transitions to store is full, the oldest is dropped");
        }
        self.queue.push_back(transition);
    }
}

impl std::fmt::Debug for Outbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Outbox")
    }
}

/// Shared with whoever judges.
pub(super) type Shared = Arc<Outbox>;
