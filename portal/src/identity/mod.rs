//! Who somebody is: sign-in, sessions, factors, stations, users and their grants, break-glass (decision 0017).
//!
//! **Absent on purpose**: any way to a session without its factors.

mod answer;
mod authenticate;
mod break_glass;
pub mod command;
mod cookies;
mod credentials;
mod factors;
mod follow;
mod gate;
mod glass;
mod grants;
mod hashing;
mod hire;
mod page;
mod password;
mod places;
mod roles;
mod secret;
mod sessions;
mod sign_in;
mod sockets;
mod stations;
mod throttle;
mod totp;
mod two_persons;
mod users;
mod visit;
mod welcome;

pub(crate) use authenticate::authenticate;
pub(crate) use cookies::Jar;
pub(crate) use follow::follow;
pub(crate) use gate::Gate;
pub(crate) use glass::{Names, names_on_glass};
pub(crate) use hashing::Hasher;
pub(crate) use hire::{NewHire, Vouched, hire};
pub(crate) use sessions::LOCKS_MS;
pub(crate) use sockets::{Ended, Socket};
pub(crate) use stations::code_by_name;
pub(crate) use users::store::by_login as user_by_login;

use crate::app::App;
use crate::web::Route;

/// All of `/api` that is about who somebody is.
pub(crate) fn routes(app: &App) -> [Route; 9] {
    [
        sign_in::routes(app),
        sessions::routes(app),
        factors::routes(app),
        welcome::routes(app),
        users::routes(app),
        grants::routes(app),
        break_glass::routes(app),
        stations::routes(app),
        stations::this(app),
    ]
}

/// What the browser is told and says, for its types.
#[cfg(test)]
pub(crate) mod wire {
    pub(crate) use super::break_glass::model::*;
    pub(crate) use super::factors::model::*;
    pub(crate) use super::grants::model::*;
    pub(crate) use super::sessions::model::*;
    pub(crate) use super::sign_in::model::*;
    pub(crate) use super::stations::model::*;
    pub(crate) use super::users::model::*;
    pub(crate) use super::welcome::model::*;
}
