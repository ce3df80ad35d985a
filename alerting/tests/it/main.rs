#![expect(clippy::unwrap_used, reason = "a helper of a test fails the test")]

mod clocks;
mod database;
mod life;
mod limits;
mod model;
mod profiles;
mod replay;
mod restarts;
mod server;
mod technical;
mod ward;
