//! argon2id at OWASP's settings (19 MiB, two passes), which are the library's defaults.

use std::sync::Arc;
use std::time::Duration;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash::phc::PasswordHash};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::web::ApiError;

/// Hashes at once of whoever is known here. Each takes a core for 33 ms (release) and 19 MiB.
const KNOWN: usize = 2;

/// Of everybody else: whoever tries passwords from outside takes no turn of those who work here.
const STRANGERS: usize = 1;

/// For a turn. Longer than the twenty that the first lane can serve before it.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Of no password: verifying against it takes as long as against a real one.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Who waits with whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Known,
    Stranger,
}

/// Hashes without holding up anything else. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Hasher(Arc<Lanes>);

struct Lanes {
    known: Arc<Semaphore>,
    strangers: Arc<Semaphore>,
}

impl Hasher {
    pub(crate) fn new() -> Self {
        let lane = |places| Arc::new(Semaphore::new(places));
        Self(Arc::new(Lanes { known: lane(KNOWN), strangers: lane(STRANGERS) }))
    }

    /// In PHC form.
    pub(crate) async fn hash(&self, secret: Zeroizing<String>) -> Result<String, ApiError> {
        let hash =
            move || Argon2::default().hash_password(secret.as_bytes()).map(|hash: PasswordHash| hash.to_string());
        Ok(self.turn(Lane::Known, hash).await?.expect("a password of at most some hundred bytes can be hashed"))
    }

    /// Whether `secret` is the one behind `hash`; None takes as long, and never is.
    pub(crate) async fn verify(
        &self,
        lane: Lane,
        secret: Zeroizing<String>,
        hash: Option<String>,
    ) -> Result<bool, ApiError> {
        self.turn(lane, move || {
            let against = hash.as_deref().unwrap_or(NOBODYS);
            Argon2::default().verify_password(secret.as_bytes(), against).is_ok() && hash.is_some()
        })
        .await
    }

    /// Every turn of a lane: nobody else has one meanwhile.
    #[cfg(test)]
    pub(crate) async fn all_turns(&self, lane: Lane) -> tokio::sync::OwnedSemaphorePermit {
        let (places, all) = match lane {
            Lane::Known => (&self.0.known, KNOWN),
            Lane::Stranger => (&self.0.strangers, STRANGERS),
        };
        places.clone().acquire_many_owned(all as u32).await.expect("nobody closes the semaphore")
    }

    async fn turn<T: Send + 'static>(
        &self,
        lane: Lane,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, ApiError> {
        let places = match lane {
            Lane::Known => &self.0.known,
            Lane::Stranger => &self.0.strangers,
        };
        let busy = || ApiError::Unavailable { code: "busy", detail: "too many sign-ins at once; try again".to_owned() };
        let turn = tokio::time::timeout(PATIENCE, places.clone().acquire_owned()).await.map_err(|_| busy())?;
        let turn = turn.expect("nobody closes the semaphore");
        let worked = tokio::task::spawn_blocking(move || {
            let worked = work();
            drop(turn);
            worked
        });
        // The runtime is ending.
        worked.await.map_err(|_| busy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[tokio::test]
    async fn a_hash_is_of_its_password_and_of_no_other() {
        let hasher = Hasher::new();
        let hash = hasher.hash(secret("correct horse battery")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (lane, text, expected) in [
            (Lane::Known, "correct horse battery", true),
            (Lane::Stranger, "correct horse battery", true),
            (Lane::Known, "correct horse batterz", false),
        ] {
            assert_eq!(hasher.verify(lane, secret(text), Some(hash.clone())).await.unwrap(), expected);
        }
        assert!(!hasher.verify(Lane::Known, secret(""), None).await.unwrap());
    }

    #[test]
    fn nobodys_hash_costs_what_a_real_one_does() {
        let (nobodys, real) = (PasswordHash::new(NOBODYS).unwrap(), Argon2::default().hash_password(b"x").unwrap());
        let real: PasswordHash = real;
        assert_eq!(
            (&nobodys.algorithm, nobodys.version, &nobodys.params),
            (&real.algorithm, real.version, &real.params)
        );
        let length = |hash: &PasswordHash| hash.hash.as_ref().map(|output| output.len());
        assert_eq!(length(&nobodys), length(&real));
    }
}
