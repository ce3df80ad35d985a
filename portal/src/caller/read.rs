use store::{Client, Transaction};

use super::Caller;
use super::context::Context;
use crate::audit::{Event, Purpose};
use crate::web::ApiError;

/// A read-only transaction of somebody. Dropped, it has shown nothing.
#[must_use = "what was found leaves it only through `seen`"]
pub(crate) struct Read {
    tx: Transaction,
    caller: Caller,
    purpose: Purpose,
}

/// What a [`Read`] found. It has no way out but [`Read::seen`].
#[must_use = "hand it to `Read::seen`"]
pub(crate) struct Unseen<T>(T);

impl Read {
    pub(crate) async fn begin(caller: &Caller, purpose: Purpose) -> Result<Self, ApiError> {
        let settings = Context { caller, purpose, audit: None }.settings();
        let tx = Transaction::read_only(caller.desk().pool(), &settings).await?;
        Ok(Self { tx, caller: caller.clone(), purpose })
    }

    /// Runs queries. What they found stays unseen.
    pub(crate) async fn find<T, E>(&self, query: impl AsyncFnOnce(&Client) -> Result<T, E>) -> Result<Unseen<T>, E> {
        query(self.tx.db()).await.map(Unseen)
    }

    /// Lets out what was found, once it is durable that it was seen. `event` says by what was found whom it is about.
    pub(crate) async fn seen<T>(self, found: Unseen<T>, event: impl FnOnce(&T) -> Event) -> Result<T, ApiError> {
        let Self { tx, caller, purpose } = self;
        // First: the wait for the batch holds no connection.
        tx.rollback().await?;
        caller.record(purpose, event(&found.0)).await?;
        Ok(found.0)
    }
}
