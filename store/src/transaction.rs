use crate::{Client, Error, Pool};

/// A transaction that owns its connection, so that it can be carried about. Dropped without [`commit`](Self::commit),
/// nothing of it stays.
pub struct Transaction {
    /// None once it has ended.
    client: Option<Client>,
}

impl Transaction {
    /// `settings` is SQL of our own, such as `set_config` of the context; it travels with BEGIN, in one round trip.
    pub async fn read_only(pool: &Pool, settings: &str) -> Result<Self, Error> {
        Self::begin(pool, "BEGIN READ ONLY", settings).await
    }

    pub async fn read_write(pool: &Pool, settings: &str) -> Result<Self, Error> {
        Self::begin(pool, "BEGIN", settings).await
    }

    async fn begin(pool: &Pool, begin: &str, settings: &str) -> Result<Self, Error> {
        // Before the first word of it: whoever gives up on the way leaves no transaction on a pooled connection.
        let begun = Self { client: Some(pool.get().await?) };
        begun.db().batch_execute(&format!("{begin}; {settings}")).await?;
        Ok(begun)
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
        self.db().batch_execute(how).await?;
        drop(self.client.take());
        Ok(())
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
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
