//! Keeps `vitals_minute` true by recomputing whole minutes that were marked.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use vitals::Clock;

use crate::write::Shared;

/// How often closed minutes are looked for. Charts are exact in between: they compute marked minutes themselves.
const EVERY: Duration = Duration::from_secs(5);

/// A minute is closed this long after its end: the usual delay of a frame is over by then.
const GRACE_MS: i64 = 65_000;

/// Marks taken by one statement, so that no transaction lasts for seconds after an outage.
const AT_ONCE: i64 = 2_000;

pub(crate) async fn run(pool: store::Pool, clock: Clock, writers: Vec<Arc<Shared>>, stop: CancellationToken) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
        let bound = clock.now().plus_millis(-GRACE_MS).minute().plus_millis(60_000);
        for writer in &writers {
            writer.forget_marks_before(bound).await;
        }
        let outcome = async {
            let db = pool.get().await?;
            while store::minutes::recompute(&db, bound, AT_ONCE).await? > 0 && !stop.is_cancelled() {}
            Ok::<_, store::Error>(())
        };
        if let Err(error) = outcome.await {
            tracing::warn!(error = &error as &dyn std::error::Error, "could not roll up minutes; trying again");
        }
    }
}
