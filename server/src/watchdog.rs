//! Watches from outside that judging goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// Judging that does not finish for this long is an alarm of the system about itself (design §2).
const STALL: Duration = Duration::from_secs(1);

/// Counts calls that began and ended. While some have begun and none ends, judging stalls.
#[derive(Default)]
pub(crate) struct Judging {
    begun: AtomicU64,
    ended: AtomicU64,
}

impl Judging {
    pub(crate) fn watch<R>(&self, judge: impl FnOnce() -> R) -> R {
        self.begun.fetch_add(1, Ordering::Relaxed);
        let result = judge();
        self.ended.fetch_add(1, Ordering::Relaxed);
        result
    }
}

/// Calls `stalled` with true once judging stalls, and with false once it goes on.
pub(crate) async fn run(judging: Arc<Judging>, stalled: impl Fn(bool), stop: CancellationToken) {
    let mut raised = false;
    let mut ended_before = u64::MAX;
    loop {
        tokio::select! {
            () = tokio::time::sleep(STALL) => {}
            () = stop.cancelled() => return,
        }
        let ended = judging.ended.load(Ordering::Relaxed);
        let stuck = ended == ended_before && judging.begun.load(Ordering::Relaxed) > ended;
        if stuck != raised {
            raised = stuck;
            tracing::error!(stuck, "judging {}", if stuck { "stalls" } else { "goes on" });
            stalled(stuck);
        }
        ended_before = ended;
    }
}
