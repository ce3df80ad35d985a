use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::heads::{self, Heads};
use super::{Audit, Error, Record, sealer};

/// How often the counts of repeated requests that are over are written down.
const COUNTS: Duration = Duration::from_secs(10);

/// After the start, once whoever else is alive has sealed what is his; then from time to time.
const ADOPT_AFTER: Duration = Duration::from_secs(45);
const ADOPT_EVERY: Duration = Duration::from_secs(3_600);

/// How long the last links and the last head may take when the portal stops.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// What the audit does beside requests: commits, seals, counts and signs.
pub(crate) struct Upkeep {
    pub(super) audit: Audit,
    pub(super) heads: Heads,
    pub(super) commit: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Upkeep {
    /// Until `stop`, and then until what was written is sealed and signed.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let commit = std::mem::replace(&mut self.commit, Box::pin(std::future::ready(())));
        let _commit = AbortOnDropHandle::new(tokio::spawn(commit));
        let every = |period| {
            let mut every = interval(period);
            every.set_missed_tick_behavior(MissedTickBehavior::Delay);
            every
        };
        let (mut seal, mut counts, mut sign) = (every(sealer::EVERY), every(COUNTS), every(heads::EVERY));
        let mut adopt_at = Instant::now() + ADOPT_AFTER;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                _ = seal.tick() => complain(self.audit.sealer.seal().await.map_err(Error::from)),
                _ = counts.tick() => count(&self.audit, self.audit.repeats.over(self.audit.clock.now())).await,
                _ = sign.tick() => complain(self.heads.sign().await),
                () = sleep_until(adopt_at) => {
                    adopt_at = Instant::now() + ADOPT_EVERY;
                    match self.audit.sealer.adopt().await {
                        Ok(0) => {}
                        Ok(events) => tracing::warn!(events, "sealed events that another process had left without a link"),
                        Err(error) => complain(Err(error.into())),
                    }
                }
            }
        }
        let last_words = async {
            count(&self.audit, self.audit.repeats.all(self.audit.clock.now())).await;
            complain(self.audit.sealer.seal().await.map_err(Error::from));
            complain(self.heads.sign().await);
        };
        if tokio::time::timeout(LAST_WORDS, last_words).await.is_err() {
            tracing::warn!("the audit was not sealed in time: the next start does it");
        }
    }
}

async fn count(audit: &Audit, counts: Vec<Record>) {
    for count in counts {
        if audit.record(count).await.is_err() {
            // The access itself is recorded; only how often it came again is not.
            tracing::warn!("a count of repeated requests is lost");
        }
    }
}

fn complain(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        metrics::counter!("vigil_audit_upkeep_failures_total").increment(1);
        tracing::warn!(error = &error as &dyn std::error::Error, "the audit is behind");
    }
}
