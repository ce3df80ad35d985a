use std::sync::Arc;

use keys::Keyring;
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

    /// For a command on the host, which runs in no portal.
    pub(crate) fn of_a_command(pool: Pool, audit_pool: Pool, clock: Clock, keyring: Keyring) -> Self {
        Self::new(pool, clock.clone(), Audit::of_a_command(audit_pool, clock, keyring))
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
