//! Keeps `vitals_minute` true by recomputing whole minutes that were marked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use vitals::{Clock, Timestamp};

use crate::write::Shared;

/// How often closed minutes are looked for. Charts are exact in between: they compute marked minutes themselves.
const EVERY: Duration = Duration::from_secs(5);

/// A minute is closed this long after its end: the usual delay of a frame is over by then.
const GRACE_MS: i64 = 65_000;

/// Marks taken by one statement, so that no transaction lasts for seconds after an outage.
const AT_ONCE: i64 = 2_000;

/// A minute of a device may hold one frame or thousands: a statement that took longer than this takes half as many next
/// time, one that took a quarter of it twice as many. Well below the statement timeout of the pool.
const LONG: Duration = Duration::from_secs(4);

/// So many always fit.
const LEAST: i64 = 4;

pub(crate) async fn run(pool: store::Pool, clock: Clock, writers: Vec<Arc<Shared>>, stop: CancellationToken) {
    let mut at_once = AT_ONCE;
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = stop.cancelled() => return,
        }
        let bound = clock.now().plus_millis(-GRACE_MS).minute().plus_millis(60_000);
        for writer in &writers {
            writer.forget_marks_before(bound).await;
        }
        if let Err(error) = roll_up(&pool, bound, &mut at_once, &stop).await {
            tracing::warn!(
                at_once,
                error = &error as &dyn std::error::Error,
                "could not roll up minutes; trying again"
            );
        }
    }
}

async fn roll_up(
    pool: &store::Pool,
    bound: Timestamp,
    at_once: &mut i64,
    stop: &CancellationToken,
) -> Result<(), store::Error> {
    let db = pool.get().await?;
    while !stop.is_cancelled() {
        let begin = Instant::now();
        let taken = store::minutes::recompute(&db, bound, *at_once).await;
        *at_once = fitting(*at_once, begin.elapsed());
        if taken? == 0 {
            break;
        }
    }
    Ok(())
}

fn fitting(at_once: i64, took: Duration) -> i64 {
    match took {
        took if took > LONG => (at_once / 2).max(LEAST),
        took if took < LONG / 4 => (at_once * 2).min(AT_ONCE),
        _ => at_once,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_took_long_is_halved_and_what_went_quickly_doubled() {
        for (at_once, seconds, next) in [
            (2_000, 30.0, 1_000),
            (1_000, 2.0, 1_000),
            (1_000, 0.5, 2_000),
            (2_000, 0.5, 2_000),
            (5, 30.0, 4),
            (4, 30.0, 4),
        ] {
            assert_eq!(fitting(at_once, Duration::from_secs_f64(seconds)), next, "{at_once} in {seconds} s");
        }
    }
}
