use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::time::{sleep, timeout};
use tokio_postgres::Config;

use super::{Roster, load, read};
use crate::listen::Listener;
use crate::{Error, Pool};

/// Where V5__roster_news.sql announces changes.
const CHANNEL: &str = "vigil_roster";

/// Pause after each look, so that ten thousand enrolments in a row wake every connection four times a second and not
/// for each. Far below the second within which a change must be known.
const PAUSE: Duration = Duration::from_millis(250);

/// Looks this often though nothing was heard: it finds a connection whose peer froze, and a pooler between us and the
/// database that dropped LISTEN without a word. One row of one table.
const UNHEARD: Duration = Duration::from_secs(30);

/// A look that is not answered for this long is given up with its connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pause between two tries to reach a database that is away.
const RETRY: Duration = Duration::from_secs(1);

/// The roster now, and what keeps it current. While the database is away the last one stays; the future never ends.
pub async fn watch(pool: Pool) -> Result<(Receiver<Arc<Roster>>, impl Future<Output = ()> + Send + 'static), Error> {
    let (listener, first) = start(pool.to().clone()).await?;
    let (sender, receiver) = channel(Arc::new(first));
    Ok((receiver, follow(pool.to().clone(), listener, sender, UNHEARD)))
}

/// Listens before it reads, so that no change falls between the two.
async fn start(to: Config) -> Result<(Listener, Roster), Error> {
    let listener = Listener::open(to, "vigil roster", CHANNEL).await?;
    let roster = answered(load(&listener.client)).await?;
    Ok((listener, roster))
}

async fn follow(to: Config, mut listener: Listener, sender: Sender<Arc<Roster>>, unheard: Duration) {
    loop {
        let error = heed(&mut listener, &sender, unheard).await;
        tracing::warn!(error = &error as &dyn std::error::Error, "keeping the last roster");
        // Everything is read again: notifications of the time between are lost, and after a restore from a backup
        // revisions do not say what is newer.
        let roster = loop {
            match start(to.clone()).await {
                Ok((again, roster)) => {
                    listener = again;
                    break roster;
                }
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "the roster cannot be read yet");
                    sleep(RETRY).await;
                }
            }
        };
        tracing::info!("the roster is followed again");
        tell(&sender, roster);
    }
}

/// Ends when the connection fails.
async fn heed(listener: &mut Listener, sender: &Sender<Arc<Roster>>, unheard: Duration) -> Error {
    loop {
        // Whether it was heard, the time is up or the connection ended: the next look tells.
        drop(timeout(unheard, listener.heard()).await);
        let known = sender.borrow().clone();
        match answered(read::newer(&listener.client, &known)).await {
            Ok(Some(roster)) => tell(sender, roster),
            Ok(None) => {}
            Err(error) => return error,
        }
        sleep(PAUSE).await;
    }
}

fn tell(sender: &Sender<Arc<Roster>>, roster: Roster) {
    let revision = roster.revision();
    let changed = sender.send_if_modified(|known| {
        let changed = **known != roster;
        if changed {
            *known = Arc::new(roster);
        }
        changed
    });
    if changed {
        tracing::info!(revision, "the roster changed");
    }
}

async fn answered<T>(read: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(PATIENCE, read).await.map_err(|_| Error::Unanswered(PATIENCE.as_secs()))?
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use super::*;
    use crate::testing::database;

    /// Nothing waits for it when all is well.
    const SOON: Duration = Duration::from_secs(20);

    #[tokio::test]
    async fn a_change_that_nobody_announced_is_found_all_the_same() {
        let db = database().await;
        let (listener, first) = start(db.pool().to().clone()).await.unwrap();
        let (sender, mut receiver) = channel(Arc::new(first));
        tokio::spawn(follow(db.pool().to().clone(), listener, sender, Duration::from_millis(10)));
        let silent = "SET session_replication_role = replica;
            INSERT INTO devices (external_id, kind, realm, revision) VALUES ('bed-1', 'device', 'live', 7);
            UPDATE roster_revision SET revision = 7";
        db.pool().get().await.unwrap().batch_execute(silent).await.unwrap();
        let seen = receiver.wait_for(|roster| roster.by_name("bed-1").is_some());
        timeout(SOON, seen).await.expect("the change is seen").unwrap();
    }
}
