use std::sync::Arc;

use store::Pool;
use vitals::{Clock, Timestamp};

use crate::audit::Audit;

/// The way to the database, and where it is written down what was seen there. Only [`super::Read`] and [`super::Write`]
/// go through it. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Desk(Arc<Inner>);

struct Inner {
    /// As `vigil_portal`, which row-level security binds.
    pool: Pool,
    clock: Clock,
    audit: Audit,
}

impl Desk {
    pub(crate) fn new(pool: Pool, clock: Clock, audit: Audit) -> Self {
        Self(Arc::new(Inner { pool, clock, audit }))
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// To find out who asks, before there is a caller.
    pub(crate) fn identity_pool(&self) -> &Pool {
        &self.0.pool
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    pub(crate) fn audit(&self) -> &Audit {
        &self.0.audit
    }
}
