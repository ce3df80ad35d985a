//! HTTP, and no domain.

pub(crate) mod assets;
mod body;
mod endpoint;
mod error;
mod guard;
mod handshakes;
mod if_match;
mod page;
mod patience;
mod refuse;
mod route;
mod serve;
mod shares;

pub(crate) use body::{Asked, asked, json};
pub(crate) use endpoint::{Access, Endpoint, Method};
pub(crate) use error::{ApiError, Problem, Refused};
pub(crate) use guard::Guard;
pub(crate) use if_match::{IfMatch, etag};
pub(crate) use page::Cursor;
pub(crate) use route::{Json, Route, mount, pick, respond, routes};
pub use serve::MAX_CONNECTIONS;
pub(crate) use serve::{Door, MAX_OF_ONE_ADDRESS, serve};
