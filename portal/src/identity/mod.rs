//! Who somebody is: from the cookie of a request to a user and his roles.

mod authenticate;

pub(crate) use authenticate::authenticate;
