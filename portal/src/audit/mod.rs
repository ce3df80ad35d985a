//! Who saw and did what: written before anybody is shown anything, chained so that a later change shows.

mod committer;
mod event;
mod record;
mod store;

use std::sync::Arc;

use parking_lot::Mutex;
use vitals::EventId;

pub(crate) use committer::{Committer, Unrecorded};
pub(crate) use event::{Action, Category, Entity, EntityKind, Event, Outcome, Purpose};
pub(crate) use record::{Agent, Record};
pub(crate) use store::insert;

/// Where events go. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Audit {
    committer: Committer,
    unsealed: Arc<Mutex<Vec<EventId>>>,
}

impl Audit {
    pub(crate) fn new(committer: Committer, unsealed: Arc<Mutex<Vec<EventId>>>) -> Self {
        Self { committer, unsealed }
    }

    /// Ends once the event is durable.
    pub(crate) async fn record(&self, record: Record) -> Result<(), Unrecorded> {
        self.committer.commit(record).await
    }

    /// A transaction that may have committed held this event.
    pub(crate) fn written(&self, event: EventId) {
        self.unsealed.lock().push(event);
    }
}
