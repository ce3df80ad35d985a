//! Who somebody under care is: what the banner over everything of him says, how he is found, and what is sealed in which form.

mod handlers;
mod identifier;
mod model;
mod name;
mod routes;
mod store;

pub use identifier::retoken;
pub(crate) use identifier::{Identifier, MEDICAL_RECORD};
#[cfg(any(test, feature = "bare"))]
pub(crate) use model::Patient;
#[cfg(test)]
pub(crate) use model::PatientIdentifier;
pub(crate) use name::{BIRTH, HumanName};
pub(crate) use routes::routes;
#[cfg(feature = "bare")]
pub(crate) use {routes::SHOW, store::banner};
