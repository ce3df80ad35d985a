#![expect(clippy::unwrap_used, reason = "what helpers of a test cannot do fails the test")]

mod http;
mod live;
mod resume;
mod screen;
mod seeds;
mod site;
