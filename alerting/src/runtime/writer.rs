use std::time::Duration;

use store::Pool;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use vitals::Transition;

use super::outbox::Shared;

/// Transitions in one transaction: a backlog after an outage goes quickly, and one bad batch is soon bisected.
const BATCH: usize = 500;

/// Between attempts while the database is away.
const RETRY: Duration = Duration::from_millis(500);

/// How long a stop waits for the database to take what is left.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stores transitions in their order until `stop`, then what is left. Nothing is shown by it: screens have it already.
pub(super) async fn run(pool: Pool, outbox: Shared, stop: CancellationToken) {
    loop {
        let batch = outbox.take(BATCH);
        if !batch.is_empty() {
            if !store_all(&pool, batch, &stop).await {
                return;
            }
        } else if stop.is_cancelled() {
            return;
        } else {
            tokio::select! {
                () = outbox.filled.notified() => {}
                () = stop.cancelled() => {}
            }
        }
    }
}

/// Tries until it is done. After `stop` only for so long (false): a replay of the frames raises the same alarms again.
async fn store_all(pool: &Pool, batch: Vec<Transition>, stop: &CancellationToken) -> bool {
    let attempts = attempts(pool, &batch);
    let ending = async {
        stop.cancelled().await;
        sleep(PATIENCE).await;
    };
    tokio::select! {
        () = attempts => true,
        () = ending => {
            tracing::error!(transitions = batch.len(), "stopped before the database took all alarms");
            false
        }
    }
}

async fn attempts(pool: &Pool, batch: &[Transition]) {
    let mut left: Vec<&[Transition]> = vec![batch];
    let mut away = false;
    while let Some(part) = left.pop() {
        match save(pool, part).await {
            Ok(()) => {
                if std::mem::take(&mut away) {
                    tracing::info!("alarms are stored again");
                }
            }
            Err(error) if error.blames_row() && part.len() > 1 => {
                let (first, second) = part.split_at(part.len() / 2);
                left.extend([second, first]);
            }
            Err(error) if error.blames_row() => {
                metrics::counter!("vigil_alarm_transitions_unstorable_total", "why" => "refused").increment(1);
                let (alarm, error) = (part[0].alarm, &error as &dyn std::error::Error);
                tracing::error!(alarm.id = %alarm, error, "the database refused a transition");
            }
            Err(error) => {
                left.push(part);
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "alarms wait for the database");
                }
                sleep(RETRY).await;
            }
        }
    }
}

async fn save(pool: &Pool, part: &[Transition]) -> Result<(), store::Error> {
    /// A connection that hangs counts as away.
    const EACH: Duration = Duration::from_secs(15);
    let saving = async { store::alarms::save(&pool.get().await?, part).await };
    timeout(EACH, saving).await.unwrap_or(Err(store::Error::ConnectTimeout(EACH.as_secs())))
}
