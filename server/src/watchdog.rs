//! Watches from outside that judging goes on: a thread of its own, so that a runtime whose every worker is stuck in a
//! judge is still told about.

use std::cell::Cell;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

/// Judging that does not finish for this long is an alarm of the system about itself (design §2).
const STALL: Duration = Duration::from_secs(1);
/// How much later than `STALL` it may be told.
const LOOK: Duration = Duration::from_millis(100);
/// Calls that can be watched at once. A call occupies its thread, and a runtime has a worker for each core.
const SLOTS: usize = 256;
/// No call. Otherwise a slot holds when its call began.
const FREE: u64 = 0;

/// A cache line each: threads that judge at once do not disturb each other.
#[repr(align(64))]
struct Slot(AtomicU64);

/// When each call in flight began.
pub(crate) struct Judging {
    /// Slots count microseconds from here.
    origin: Instant,
    slots: Box<[Slot]>,
}

impl Default for Judging {
    fn default() -> Self {
        Self { origin: Instant::now(), slots: (0..SLOTS).map(|_| Slot(AtomicU64::new(FREE))).collect() }
    }
}

impl Judging {
    pub(crate) fn watch<R>(&self, judge: impl FnOnce() -> R) -> R {
        let _call = self.begin();
        judge()
    }

    /// None: every slot is taken. Those that took them are watched, and one of them is the oldest.
    fn begin(&self) -> Option<Call<'_>> {
        let now = self.micros().max(FREE + 1);
        let first = first_slot();
        (0..SLOTS)
            .map(|step| &self.slots[(first + step) % SLOTS])
            .find(|slot| slot.0.compare_exchange(FREE, now, Ordering::Relaxed, Ordering::Relaxed).is_ok())
            .map(Call)
    }

    fn micros(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether a call is in flight that began too long ago, however many others end meanwhile.
    fn stuck(&self) -> bool {
        let now = self.micros();
        let began = self.slots.iter().map(|slot| slot.0.load(Ordering::Relaxed)).filter(|began| *began != FREE);
        began.min().is_some_and(|oldest| now.saturating_sub(oldest) > STALL.as_micros() as u64)
    }
}

/// The slot that a thread tries first: its own, as long as there are no more threads than slots.
fn first_slot() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local!(static MINE: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed) % SLOTS));
    MINE.get()
}

/// Ends when dropped: by a judge that panics, too.
struct Call<'a>(&'a Slot);

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.0.0.store(FREE, Ordering::Relaxed);
    }
}

/// The thread that watches; it ends when this is dropped.
pub(crate) struct Watchdog {
    _until: SyncSender<()>,
    ended: CancellationToken,
}

impl Watchdog {
    /// Calls `stalled` with true once judging stalls, and with false once it goes on.
    pub(crate) fn start(judging: Arc<Judging>, stalled: impl Fn(bool) + Send + 'static) -> std::io::Result<Self> {
        // Nothing is ever sent: the end of the sender is the word.
        let (until, dropped) = sync_channel(0);
        let ended = CancellationToken::new();
        let guard = ended.clone().drop_guard();
        thread::Builder::new().name("watchdog".to_owned()).spawn(move || {
            let _ended = guard;
            watch(&judging, &stalled, &dropped);
        })?;
        Ok(Self { _until: until, ended })
    }

    /// Comes only if the thread panics.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }
}

fn watch(judging: &Judging, stalled: &dyn Fn(bool), dropped: &Receiver<()>) {
    let (mut raised, mut looked) = (false, Instant::now());
    while dropped.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
        // A call that was under way while we slept looks as old as our sleep.
        if mem::replace(&mut looked, Instant::now()).elapsed() > STALL {
            continue;
        }
        let stuck = judging.stuck();
        if stuck != raised {
            raised = stuck;
            tracing::error!(stuck, "judging {}", if stuck { "stalls" } else { "goes on" });
            stalled(stuck);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};

    use super::*;

    /// Far beyond `STALL`; nothing waits for it when all is well.
    const PATIENCE: Duration = Duration::from_secs(30);

    fn watched() -> (Arc<Judging>, Receiver<bool>, Watchdog) {
        let judging = Arc::new(Judging::default());
        let (tell, told) = channel();
        let watchdog = Watchdog::start(judging.clone(), move |stuck| tell.send(stuck).unwrap()).unwrap();
        (judging, told, watchdog)
    }

    #[test]
    fn a_judge_that_blocks_is_told_and_told_again_when_it_goes_on_whatever_others_do() {
        let (judging, told, _watchdog) = watched();
        let (release, blocked) = channel::<()>();
        thread::scope(|scope| {
            let judging = &*judging;
            let stuck = scope.spawn(move || judging.watch(move || blocked.recv().unwrap()));
            let others = scope.spawn(move || {
                let mut calls = 0_u64;
                while !stuck.is_finished() {
                    calls += judging.watch(|| 1);
                }
                calls
            });
            assert_eq!(told.recv_timeout(PATIENCE), Ok(true));
            release.send(()).unwrap();
            assert_eq!(told.recv_timeout(PATIENCE), Ok(false));
            assert!(others.join().unwrap() > 0);
        });
        assert!(told.try_recv().is_err());
    }

    #[test]
    fn a_judge_that_panics_has_ended() {
        let judging = Judging::default();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| judging.watch(|| panic!("a judge"))));
        assert!(panicked.is_err());
        assert!(judging.slots.iter().all(|slot| slot.0.load(Ordering::Relaxed) == FREE));
    }

    #[test]
    fn more_calls_at_once_than_slots_are_judged_all_the_same() {
        let judging = Judging::default();
        let calls: Vec<_> = (0..SLOTS).map(|_| judging.begin()).collect();
        assert!(calls.iter().all(Option::is_some));
        assert_eq!(judging.watch(|| 7), 7);
        drop(calls);
        assert!(judging.begin().is_some());
    }
}
