use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::watch;
use vitals::{AlarmId, What};

use super::protocol::{Step, Token};
use crate::alarms::Alarm;

/// Transitions kept in memory for screens that were away for a moment: an alarm storm of a large ward. A screen behind
/// them reads the database.
const KEPT: usize = 4_096;

/// The latest transitions in order, and what they add up to.
pub(crate) struct Log {
    book: Mutex<Book>,
    /// The number of the next step; wakes every screen.
    next: watch::Sender<u64>,
}

#[derive(Default)]
struct Book {
    steps: VecDeque<Arc<Step>>,
    /// How many steps were taken out of `steps`, which makes it the number of its first.
    first: u64,
    /// Steps up to here are not in `steps`.
    floor: Token,
    last: Token,
    active: BTreeMap<AlarmId, Alarm>,
}

/// The alarms that are active, and where that stands in the order of steps.
pub(crate) struct Standing {
    pub(crate) active: Vec<Alarm>,
    pub(crate) token: Token,
    pub(crate) next: u64,
}

/// The steps asked for are no longer in memory.
#[derive(Debug)]
pub(crate) struct Behind {
    /// They are all in memory after this one.
    pub(crate) floor: Token,
}

impl Log {
    pub(crate) fn new(token: Token) -> Self {
        let book = Book { floor: token, last: token, ..Book::default() };
        Self { book: Mutex::new(book), next: watch::Sender::new(0) }
    }

    /// Takes in alarms that were active before the first step; those a step has spoken of are left alone.
    pub(crate) fn seed(&self, token: Token, active: Vec<Alarm>) {
        let mut book = self.book.lock();
        let spoken: Vec<_> = book.steps.iter().map(|step| step.alarm.id).collect();
        for alarm in active.into_iter().filter(|alarm| !spoken.contains(&alarm.id)) {
            book.active.insert(alarm.id, alarm);
        }
        if book.steps.is_empty() {
            (book.floor, book.last) = (token, token);
        } else {
            book.floor = book.floor.max(Token { epoch: token.epoch, seq: 0 });
        }
        // A screen that is already there finds its place gone, and is told how things stand.
        book.first = book.next() + 1;
        self.next.send_replace(book.next());
    }

    /// `make` gets the alarm as it stands, if it is active. Called in the order of (epoch, seq).
    pub(crate) fn append(&self, make: impl FnOnce(&BTreeMap<AlarmId, Alarm>) -> Step) {
        let mut book = self.book.lock();
        let step = make(&book.active);
        let token = Token { epoch: step.epoch, seq: step.seq };
        if token <= book.last {
            // The engine told it before; a screen must not see an alarm go back in time.
            return;
        }
        match step.what {
            What::Cleared => drop(book.active.remove(&step.alarm.id)),
            What::Raised | What::Updated => drop(book.active.insert(step.alarm.id, step.alarm.clone())),
        }
        book.last = token;
        if book.steps.len() == KEPT
            && let Some(oldest) = book.steps.pop_front()
        {
            book.floor = Token { epoch: oldest.epoch, seq: oldest.seq };
            book.first += 1;
        }
        book.steps.push_back(Arc::new(step));
        self.next.send_replace(book.next());
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.next.subscribe()
    }

    pub(crate) fn standing(&self) -> Standing {
        self.book.lock().standing()
    }

    /// The steps from number `from` on, and the number after them.
    pub(crate) fn from(&self, from: u64) -> Result<(Vec<Arc<Step>>, u64), Behind> {
        let book = self.book.lock();
        let Some(skip) = from.checked_sub(book.first) else { return Err(Behind { floor: book.floor }) };
        let steps = book.steps.iter().skip(usize::try_from(skip).unwrap_or(usize::MAX)).cloned().collect();
        Ok((steps, book.next()))
    }

    /// The steps after `token`, and where things stand after them.
    pub(crate) fn after(&self, token: Token) -> Result<(Vec<Arc<Step>>, Standing), Behind> {
        let book = self.book.lock();
        if token < book.floor || token > book.last {
            return Err(Behind { floor: book.floor });
        }
        let from = book.steps.partition_point(|step| Token { epoch: step.epoch, seq: step.seq } <= token);
        Ok((book.steps.iter().skip(from).cloned().collect(), book.standing()))
    }
}

impl Book {
    fn next(&self) -> u64 {
        self.first + self.steps.len() as u64
    }

    fn standing(&self) -> Standing {
        Standing { active: self.active.values().cloned().collect(), token: self.last, next: self.next() }
    }
}
