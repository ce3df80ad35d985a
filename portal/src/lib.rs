mod alarms;
mod devices;
mod live;
mod trends;
#[cfg(test)]
mod types;
mod web;
