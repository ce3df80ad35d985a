//! Frames and time in, signals out. The same inputs always give the same signals (P8).
//!
//! **Absent on purpose**: a clock, I/O, `async`. Time comes only with an input.

mod device;
mod limit;
mod rules;
mod signal;
mod system;
mod technical;

pub use device::DeviceWatch;
pub use rules::{Limit, Rules};
pub use signal::Signal;
pub use system::System;
