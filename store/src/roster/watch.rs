use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::time::{MissedTickBehavior, interval};

use super::{Roster, load, read};
use crate::{Error, Pool};

/// How soon a revoked device is turned away and a new one let in.
const EVERY: Duration = Duration::from_secs(1);

/// The roster now, and what keeps it current. While the database is away the last one stays; the future never ends.
pub async fn watch(pool: Pool) -> Result<(Receiver<Arc<Roster>>, impl Future<Output = ()> + Send + 'static), Error> {
    let first = load(&pool.get().await?).await?;
    let (sender, receiver) = channel(Arc::new(first));
    Ok((receiver, follow(pool, sender)))
}

async fn follow(pool: Pool, sender: Sender<Arc<Roster>>) {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut away = false;
    loop {
        ticks.tick().await;
        let known = sender.borrow().revision();
        match newer(&pool, known).await {
            Ok(found) => {
                if std::mem::take(&mut away) {
                    tracing::info!("the roster is followed again");
                }
                if let Some(roster) = found {
                    tracing::info!(revision = roster.revision(), "the roster changed");
                    sender.send_replace(Arc::new(roster));
                }
            }
            Err(error) => {
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(error = &error as &dyn std::error::Error, "keeping the last roster");
                }
            }
        }
    }
}

async fn newer(pool: &Pool, known: i64) -> Result<Option<Roster>, Error> {
    let db = pool.get().await?;
    if read::revision(&db).await? == known { Ok(None) } else { load(&db).await.map(Some) }
}
