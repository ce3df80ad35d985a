use store::{Client, Transaction};
use vitals::EventId;

use super::Caller;
use super::context::Context;
use crate::audit::{self, Event, Purpose};
use crate::web::ApiError;

/// A transaction of somebody that cannot be committed without saying what was done. Dropped, nothing was done.
#[must_use = "nothing is done before `commit`"]
pub(crate) struct Write {
    tx: Transaction,
    caller: Caller,
    purpose: Purpose,
    /// Known to the history of every row before it is written.
    id: EventId,
}

impl Write {
    pub(crate) async fn begin(caller: &Caller, purpose: Purpose) -> Result<Self, ApiError> {
        let id = EventId::new(caller.desk().now());
        let settings = Context { caller, purpose, place: false, audit: Some(id) }.settings();
        let tx = Transaction::read_write(caller.desk().pool(), &settings).await?;
        Ok(Self { tx, caller: caller.clone(), purpose, id })
    }

    pub(crate) fn db(&self) -> &Client {
        self.tx.db()
    }

    /// The event that will stand for it.
    #[cfg(test)]
    pub(crate) fn audit_id(&self) -> EventId {
        self.id
    }

    /// Keeps what was done, with its event, or neither.
    pub(crate) async fn commit(self, event: Event) -> Result<(), ApiError> {
        let Self { tx, caller, purpose, id } = self;
        let record = caller.explain(id, purpose, event);
        audit::insert(tx.db(), std::slice::from_ref(&record)).await?;
        caller.desk().audit().will_be_written(id)?;
        tx.commit().await?;
        caller.is_explained();
        Ok(())
    }
}
