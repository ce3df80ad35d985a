//! Notices that this process did not run for a while: frozen, or its machine asleep. Whatever it does next it would do with
//! a wrong idea of the time (everybody looks silent), and perhaps of itself (another node may have taken over).

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use vitals::{Clock, Timestamp};

/// How often it is noted that we run.
const BEAT: Duration = Duration::from_millis(250);

/// Shorter than what costs a node its lease (store/src/lease.rs), and than the silence that pages; far longer than what a
/// busy machine makes us wait.
const SLEEP_US: i64 = 2_000_000;

/// Asks whether another node took over, and does not come back if so.
type Confirm = Box<dyn Fn() + Send + Sync>;
/// Takes note of (from, until).
type Slept = Box<dyn Fn(Timestamp, Timestamp) + Send + Sync>;

pub(crate) struct Awake {
    clock: Clock,
    /// When we last noted that we run, in µs.
    beat: AtomicI64,
    waking: Mutex<()>,
    confirm: Confirm,
    slept: Slept,
}

impl Awake {
    pub(crate) fn new(clock: Clock, confirm: Confirm, slept: Slept) -> Self {
        let beat = AtomicI64::new(clock.now().micros());
        Self { clock, beat, waking: Mutex::new(()), confirm, slept }
    }

    /// Called before anything that happened at `at` is judged or told. Costs a comparison, unless we slept: then it blocks,
    /// and with it everybody who calls it, until it is known that we are still the active node.
    pub(crate) fn look(&self, at: Timestamp) {
        if self.pause_us(at) > SLEEP_US {
            self.wake(at);
        }
    }

    /// By the clock and not by what is judged: whatever a device sends, it cannot make us believe that we slept.
    pub(crate) fn look_now(&self) {
        self.look(self.clock.now());
    }

    fn pause_us(&self, at: Timestamp) -> i64 {
        at.micros() - self.beat.load(Ordering::Acquire)
    }

    #[cold]
    fn wake(&self, at: Timestamp) {
        let _one = self.waking.lock();
        if self.pause_us(at) <= SLEEP_US {
            return;
        }
        (self.confirm)();
        let (from, until) = (self.beat.load(Ordering::Acquire), self.clock.now());
        (self.slept)(Timestamp::from_micros(from), until);
        self.beat.store(until.micros(), Ordering::Release);
    }

    pub(crate) async fn run(&self, stop: CancellationToken) {
        loop {
            let now = self.clock.now();
            self.look(now);
            self.beat.fetch_max(now.micros(), Ordering::AcqRel);
            tokio::select! {
                () = tokio::time::sleep(BEAT) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_795_428_000_000);

    #[test]
    fn a_sleep_is_confirmed_and_told_once_before_anybody_goes_on() {
        let (clock, hand) = Clock::settable(START);
        let told = Arc::new(Mutex::new(Vec::new()));
        let (asked, slept) = (told.clone(), told.clone());
        let awake = Awake::new(
            clock,
            Box::new(move || asked.lock().push(None)),
            Box::new(move |from, until| slept.lock().push(Some((from, until)))),
        );
        awake.look(START.plus_millis(2_000));
        assert!(told.lock().is_empty(), "a busy machine");
        let until = START.plus_millis(60_000);
        hand.set(until);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| awake.look(until));
            }
        });
        assert_eq!(*told.lock(), [None, Some((START, until))]);
    }
}
