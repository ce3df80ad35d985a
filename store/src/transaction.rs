use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::join;

use crate::{Client, Error, Pool};

/// A transaction that owns its connection, so that it can be carried about. Dropped without [`commit`](Self::commit),
/// nothing of it stays.
pub struct Transaction {
    /// None once it has ended.
    client: Option<Client>,
    /// What begins it, and whether that was sent.
    begin: String,
    begun: AtomicBool,
}

impl Transaction {
    /// `settings` is SQL of our own, such as `set_config` of the context; it travels with BEGIN, in one round trip.
    pub async fn read_only(pool: &Pool, settings: &str) -> Result<Self, Error> {
        Self::begin(pool, "BEGIN READ ONLY", settings).await
    }

    /// The same, begun by the first [`run`](Self::run), on the way to the database together with it; all of it sees the
    /// database as it was at that moment.
    pub async fn read_only_later(pool: &Pool, settings: &str) -> Result<Self, Error> {
        Self::take(pool, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", settings).await
    }

    pub async fn read_write(pool: &Pool, settings: &str) -> Result<Self, Error> {
        Self::begin(pool, "BEGIN", settings).await
    }

    async fn begin(pool: &Pool, begin: &str, settings: &str) -> Result<Self, Error> {
        let taken = Self::take(pool, begin, settings).await?;
        taken.send_begin().await?;
        Ok(taken)
    }

    async fn take(pool: &Pool, begin: &str, settings: &str) -> Result<Self, Error> {
        let begin = format!("{begin}; {settings}");
        Ok(Self { client: Some(pool.get().await?), begin, begun: AtomicBool::new(false) })
    }

    async fn send_begin(&self) -> Result<(), Error> {
        // Before the first word of it: whoever gives up on the way leaves no transaction on a pooled connection.
        if !self.begun.swap(true, Ordering::Relaxed) {
            self.db().batch_execute(&self.begin).await?;
        }
        Ok(())
    }

    /// Runs queries in it. What a connection is sent it does in order: where the beginning fails within the database,
    /// so does everything after it, and where the connection fails, nothing is answered.
    pub async fn run<T, E: From<Error>>(&self, query: impl AsyncFnOnce(&Client) -> Result<T, E>) -> Result<T, E> {
        // Polled in this order, and BEGIN is sent when it is first polled.
        let (begun, found) = join(self.send_begin(), query(self.db())).await;
        begun?;
        found
    }

    pub fn db(&self) -> &Client {
        self.client.as_ref().expect("it is taken only by what ends the transaction")
    }

    pub async fn commit(self) -> Result<(), Error> {
        self.end("COMMIT").await
    }

    /// Ends it with nothing left; a transaction that only read is given back to the pool by this.
    pub async fn rollback(self) -> Result<(), Error> {
        self.end("ROLLBACK").await
    }

    async fn end(mut self, how: &str) -> Result<(), Error> {
        if *self.begun.get_mut() {
            self.db().batch_execute(how).await?;
        }
        drop(self.client.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(client) = self.client.take().filter(|_| *self.begun.get_mut()) else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return drop(Client::take(client)) };
        runtime.spawn(async move {
            if client.batch_execute("ROLLBACK").await.is_err() {
                // Unfit for anybody else.
                drop(Client::take(client));
            }
        });
    }
}

impl std::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transaction")
    }
}
