//! Writing telemetry: COPY for what is new, merge for what may be there already (design §4.2).

mod batch;
mod encode;
mod merge;
pub mod quarantine;

pub use batch::{Batch, Conflict, Connection};
