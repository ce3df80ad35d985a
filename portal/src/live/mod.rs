//! Numbers and alarms to screens as they happen: one slot a device, one log of transitions, one task a socket.

mod catch_up;
mod hub;
mod labels;
mod log;
mod past;
pub(crate) mod protocol;
mod routes;
mod seats;
mod session;
mod sight;
mod slot;
mod view;

pub use hub::Hub;
pub(crate) use routes::routes;
pub(crate) use seats::Seats;
