//! Keys: what seals personal data, where keys lie, and how they change while everything runs (decision 0015).
//!
//! Root key (a file outside the state folder, or one that a vault's key wraps) → wrapping keys → a key a patient, in the database `vigil_keys`; and a key of
//! the system and the index keys, wrapped, in the main database. Neither database alone, nor both, open anything.
//! **Absent on purpose**: who may read what. No key has a `Debug`, `Display` or `Serialize` that tells it.

mod cache;
mod check;
mod cipher;
mod error;
mod field;
mod follow;
mod hex;
mod keyring;
mod load;
mod newer;
mod patients;
mod place;
mod private;
pub mod recovery;
mod root;
pub mod rotate;
mod rows;
mod secret;
pub mod shred;
mod system;
#[cfg(feature = "testing")]
pub mod testing;
mod token;
pub mod vault;
mod wrapped;

pub use check::Checked;
pub use error::Error;
pub use field::Field;
pub use keyring::Keyring;
pub use patients::PatientKey;
pub use place::{Place, WrappedFile};
pub use root::{RootError, RootFile, RootKey};
pub use system::SystemKey;
pub use token::{Token, TokenKind};
pub use zeroize::Zeroizing;
