//! How a person under care is named and found: what is sealed in which form.

mod identifier;
mod name;

pub use identifier::retoken;
pub(crate) use identifier::{Identifier, MEDICAL_RECORD};
pub(crate) use name::{BIRTH, Name};
