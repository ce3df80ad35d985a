//! Real clusters, of the machine's PostgreSQL or an assembled one (fetched once into the default cache).

#![expect(clippy::unwrap_used, reason = "what is not as expected here fails the test")]

mod ground;
mod lifecycle;
mod privacy;
mod roles;
