use store::{Client, Error, Transaction};
use uuid::Uuid;
use vitals::EventId;

use super::Caller;
use super::context::Context;
use crate::audit::{self, Event, Purpose};
use crate::web::{ApiError, IfMatch};

/// What has versions and is changed by its id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Versioned {
    User,
    RoleGrant,
    Station,
}

impl Versioned {
    const fn sql(self) -> &'static str {
        match self {
            Self::User => {
                "-- portal::caller::write::user
                SELECT version FROM users WHERE id = $1 AND realm = current_setting('vigil.realm', true) FOR UPDATE"
            }
            Self::RoleGrant => {
                "-- portal::caller::write::role_grant
                SELECT version FROM role_grants WHERE id = $1 AND realm = current_setting('vigil.realm', true) FOR UPDATE"
            }
            Self::Station => {
                "-- portal::caller::write::station
                SELECT version FROM stations WHERE id = $1 AND realm = current_setting('vigil.realm', true) FOR UPDATE"
            }
        }
    }
}

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
        if let Some(claim) = &caller.request().claim {
            claim.make(tx.db(), caller.now()).await?;
        }
        Ok(Self { tx, caller: caller.clone(), purpose, id })
    }

    pub(crate) fn db(&self) -> &Client {
        self.tx.db()
    }

    /// Holds the row until the end, and refuses where the request speaks of another version of it. Of a row that is not
    /// there the handler tells.
    pub(crate) async fn unchanged(&self, what: Versioned, id: Uuid) -> Result<(), ApiError> {
        let if_match = &self.caller.request().if_match;
        if *if_match == IfMatch::Any {
            return Ok(());
        }
        let row = self.db().query_opt(what.sql(), &[&id]).await.map_err(Error::from)?;
        let version = row.map(|row| row.try_get::<_, i32>(0)).transpose().map_err(Error::from)?;
        if version.is_none_or(|version| if_match.matches(version)) { Ok(()) } else { Err(ApiError::Changed) }
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
