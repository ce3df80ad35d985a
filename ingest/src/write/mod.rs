//! Adaptive group commit: while one transaction commits, the next batch gathers. No timers (design §4.2).

mod assemble;
mod parts;
mod queue;
mod writer;

pub(crate) use queue::{Queue, Submission};
pub(crate) use writer::{Shared, Writer};
