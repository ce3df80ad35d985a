//! Turns messages into rows: MQTT front, decoding, judging, group commit, acknowledgement.
//!
//! **Absent on purpose**: it never asks who a patient is (readings are stored by device), and no path writes a PUBACK
//! that a commit did not precede.

mod clocks;
mod config;
pub mod front;
mod minutes;
mod pipeline;
mod plain;
mod run;
mod window;
mod write;

pub use config::Config;
pub use run::{Deps, Error, run};

use std::sync::Arc;

use vitals::{DeviceKey, Frame, Timestamp};

type Judge = Arc<dyn Fn(&[Frame]) + Send + Sync>;
type Show = Arc<dyn Fn(&[Frame], i64) + Send + Sync>;
type Flapping = Arc<dyn Fn(DeviceKey, Timestamp) + Send + Sync>;
type News = Arc<dyn Fn(DeviceKey, bool, Timestamp) + Send + Sync>;

/// Where readings and news of devices go, wired by `server`. All are called in a connection's task and must not wait.
#[derive(Clone)]
pub struct Outlets {
    /// Frames in the order of receipt, before they are stored; their flags say what is to be judged.
    pub judge: Judge,
    /// The same frames for the live view, with the device's clock offset in µs.
    pub show: Show,
    /// A device connected or went.
    pub presence: News,
    /// We stopped or resumed reading this device; meanwhile its silence is ours.
    pub held: News,
    /// Clients with the same identity take over from each other.
    pub flapping: Flapping,
    /// The database went away or came back.
    pub database_away: Arc<dyn Fn(bool, Timestamp) + Send + Sync>,
}
