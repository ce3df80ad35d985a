//! What travels on the wire, apart from what we think in.

mod json;
mod plain;

pub use json::{Fault, Malformed, RawFrame, Time, decode, encode};
