#![expect(clippy::unwrap_used, reason = "what helpers of a test cannot do fails the test")]

mod access;
mod audit;
mod http;
mod identity;
mod live;
mod names;
mod patients;
mod people;
mod resume;
mod screen;
mod seats;
mod seeds;
mod site;
mod transport;
mod verify;
mod views;
mod worn;
