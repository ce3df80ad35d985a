use std::pin::Pin;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::{Interval, MissedTickBehavior, interval, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::heads::{self, Heads};
use super::{Audit, Error, Record, sealer};

/// How often the counts of repeated requests that are over are written down.
const COUNTS: Duration = Duration::from_secs(10);

/// How soon after the first link the first head is signed.
const FIRST_HEAD: Duration = Duration::from_secs(1);

/// After the start, once whoever else is alive has sealed what is his; then never again.
const ADOPT_AFTER: Duration = Duration::from_secs(45);

/// How long what is under way may take when the portal stops, and then the last links and heads.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the audit does beside requests: commits, seals, counts and signs.
pub(crate) struct Upkeep {
    pub(super) audit: Audit,
    pub(super) heads: Heads,
    pub(super) commit: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Upkeep {
    /// Until `stop`, and then until what was written is sealed and signed.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let Self { audit, mut heads, commit } = self;
        let _commit = AbortOnDropHandle::new(tokio::spawn(commit));
        // Side by side: a head that waits for a mount keeps no link waiting.
        let work = async {
            tokio::join!(seal(&audit, &stop), count(&audit, &stop), sign(&audit, &mut heads, &stop));
        };
        let too_long = async {
            stop.cancelled().await;
            sleep(LAST_WORDS).await;
        };
        tokio::select! {
            () = work => {}
            () = too_long => tracing::warn!("what the audit was about did not end in time"),
        }
        let last_words = async {
            // First: what was answered for matters more than how often it came again.
            seal_and_sign(&audit, &mut heads).await;
            write_counts(&audit, audit.repeats.all(audit.clock.now())).await;
            seal_and_sign(&audit, &mut heads).await;
        };
        if timeout(LAST_WORDS, last_words).await.is_err() {
            tracing::warn!("the audit was not sealed in time: the next start does it");
        }
    }
}

async fn seal(audit: &Audit, stop: &CancellationToken) {
    let mut every = every(sealer::EVERY);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        complain(audit.sealer.seal().await.map_err(Error::from));
    }
}

async fn count(audit: &Audit, stop: &CancellationToken) {
    let mut every = every(COUNTS);
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        write_counts(audit, audit.repeats.over(audit.clock.now())).await;
    }
}

async fn sign(audit: &Audit, heads: &mut Heads, stop: &CancellationToken) {
    let mut every = every(FIRST_HEAD);
    let (mut waited, mut running) = (heads::EVERY, Duration::ZERO);
    let mut adopted = false;
    while stop.run_until_cancelled(every.tick()).await.is_some() {
        if waited >= heads::EVERY || heads.owe_the_first().await {
            waited = Duration::ZERO;
            // Whatever hangs here hangs for the next words no longer.
            let Some(signed) = stop.run_until_cancelled(heads.sign()).await else { return };
            complain(signed);
        }
        if running >= ADOPT_AFTER && !adopted {
            adopted = adopt(audit, heads).await;
        }
        (waited, running) = (waited + FIRST_HEAD, running + FIRST_HEAD);
    }
}

/// False: it could not be asked.
async fn adopt(audit: &Audit, heads: &Heads) -> bool {
    let adopted = async {
        match heads.last_before_us().await? {
            Some(last_head) => Ok(audit.sealer.adopt(last_head).await?),
            // Nothing was ever signed here: whatever has no link stays without.
            None => Ok(0),
        }
    };
    match adopted.await {
        Ok(0) => true,
        Ok(events) => {
            tracing::warn!(events, "sealed events that no process had announced: `vigil audit verify` names them");
            true
        }
        Err(error) => {
            complain(Err(error));
            false
        }
    }
}

async fn seal_and_sign(audit: &Audit, heads: &mut Heads) {
    complain(audit.sealer.seal().await.map_err(Error::from));
    complain(heads.sign().await);
}

/// Together: one by one, each would wait for a commit of its own.
async fn write_counts(audit: &Audit, counts: Vec<Record>) {
    let lost = join_all(counts.into_iter().map(|count| audit.record(count))).await;
    let lost = lost.iter().filter(|outcome| outcome.is_err()).count();
    if lost > 0 {
        // The accesses themselves are recorded; only how often they came again is not.
        tracing::warn!(lost, "counts of repeated requests are lost");
    }
}

fn every(period: Duration) -> Interval {
    let mut every = interval(period);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    every
}

fn complain(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        metrics::counter!("vigil_audit_upkeep_failures_total").increment(1);
        tracing::warn!(error = &error as &dyn std::error::Error, "the audit is behind");
    }
}
