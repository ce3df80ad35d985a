//! What sealed bytes promise, and how keys change, through the crate's public door and a real database.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail where they stand")]

mod ground;
mod opening;
mod recovery;
mod root_files;
mod rotation;
mod sealing;
mod shredding;
mod statements;
mod tokens;
#[cfg(feature = "azure")]
mod vault;
#[cfg(feature = "azure")]
mod vault_rotation;
#[cfg(feature = "azure")]
mod vault_server;
