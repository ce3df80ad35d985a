//! A process that runs on hears of every change of keys, and says which one it knows.
//!
//! It says so by a shared advisory lock on the count of changes (`generation`), held by the session that also listens: a
//! rotation waits until nobody holds an older one, and a process that died holds none.

use std::future::Future;
use std::time::Duration;

use store::{Listener, Pool};
use tokio::time::{sleep, timeout};

use crate::keyring::{Keyring, Reloaded, Root};
use crate::{Error, RootKey, rows};

/// Looks this often though nothing was heard: a pooler between us and the database may drop LISTEN without a word.
const UNHEARD: Duration = Duration::from_secs(30);

/// Pause before a failed look is repeated.
const RETRY: Duration = Duration::from_secs(1);

/// A look that is not answered for this long is given up with its connection.
const PATIENCE: Duration = Duration::from_secs(10);

impl Keyring {
    /// As `open`, and what keeps it current. While the database is away the last keys stay; the future never ends. The place
    /// of this root key is asked only where the database was given another one meanwhile.
    pub async fn follow(
        root: RootKey,
        main: Pool,
        keys: Pool,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), Error> {
        let keyring = match Self::open(root.clone(), main.clone(), keys.clone()).await {
            Err(Error::AnotherRoot) => Self::open(Box::pin(root.again()).await?, main, keys.clone()).await?,
            opened => opened?,
        };
        let mut session = Session::open(&keys).await?;
        session.look(&keyring).await?;
        Ok((keyring.clone(), run(keyring, keys, session)))
    }
}

async fn run(keyring: Keyring, keys: Pool, mut session: Session) {
    loop {
        let error = heed(&mut session, &keyring).await;
        tracing::warn!(error = &error as &dyn std::error::Error, "keeping the last keys");
        // One of them may be destroyed before we hear again.
        keyring.hears(false);
        session = loop {
            sleep(RETRY).await;
            match hear_again(&keys, &keyring).await {
                Ok(session) => break session,
                Err(error) => {
                    tracing::debug!(error = &error as &dyn std::error::Error, "changes of keys cannot be heard yet");
                }
            }
        };
    }
}

async fn hear_again(keys: &Pool, keyring: &Keyring) -> Result<Session, Error> {
    let mut session = Session::open(keys).await?;
    session.look(keyring).await?;
    keyring.hears(true);
    Ok(session)
}

/// Ends when a look fails.
async fn heed(session: &mut Session, keyring: &Keyring) -> Error {
    loop {
        let wait = match session.look(keyring).await {
            Ok(Known::All) => UNHEARD,
            // The file that holds the root key is not the new one yet, or a vault has not opened it.
            Ok(Known::AllButTheRoot) => RETRY,
            Err(error) => return error,
        };
        // Whether it was heard, the time is up or the connection ended: the next look tells.
        drop(timeout(wait, session.listener.heard()).await);
    }
}

enum Known {
    All,
    AllButTheRoot,
}

struct Session {
    listener: Listener,
    said: Option<i32>,
}

impl Session {
    async fn open(keys: &Pool) -> Result<Self, Error> {
        Ok(Self { listener: keys.listen("vigil keys", rows::CHANNEL).await?, said: None })
    }

    async fn look(&mut self, keyring: &Keyring) -> Result<Known, Error> {
        let looked = timeout(PATIENCE, self.look_at_once(keyring)).await;
        looked.map_err(|_| store::Error::Unanswered(PATIENCE.as_secs()))?
    }

    async fn look_at_once(&mut self, keyring: &Keyring) -> Result<Known, Error> {
        let client = self.listener.client();
        let now: i32 =
            client.query_one(rows::GENERATION, &[]).await.and_then(|row| row.try_get(0)).map_err(store::Error::from)?;
        if self.said == Some(now) {
            return Ok(Known::All);
        }
        let Reloaded { generation, root } = keyring.reload().await?;
        match root {
            Root::Stays => {}
            Root::Asked => return Ok(Known::AllButTheRoot),
            Root::Retires => {
                tracing::error!("another root key replaces the one in our file: put it there");
                return Ok(Known::AllButTheRoot);
            }
        }
        client.execute(rows::SAY, &[&rows::KNOWN, &generation]).await.map_err(store::Error::from)?;
        if let Some(before) = self.said.replace(generation) {
            client.execute(rows::TAKE_BACK, &[&rows::KNOWN, &before]).await.map_err(store::Error::from)?;
        }
        tracing::info!(generation, "the keys are known");
        Ok(Known::All)
    }
}
