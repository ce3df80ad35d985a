//! The promises, through the public door: the binary, real MQTT sockets, a real database.

mod clients;
mod clocks;
mod durability;
mod mqtt;
mod outage;
mod pipeline;
mod screen;
mod vigil;
