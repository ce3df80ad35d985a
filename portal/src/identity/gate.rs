use super::cookies::Cookies;
use super::hashing::Hasher;
use super::sockets::Sockets;
use super::throttle::Throttle;

/// What sign-in keeps in memory: nothing that a restart may not lose.
pub(crate) struct Gate {
    pub(crate) cookies: Cookies,
    pub(crate) hasher: Hasher,
    pub(crate) throttle: Throttle,
    pub(crate) sockets: Sockets,
}

impl Gate {
    /// `secure`: this portal is reached over TLS.
    pub(crate) fn new(secure: bool) -> Self {
        Self {
            cookies: Cookies::new(secure),
            hasher: Hasher::new(),
            throttle: Throttle::default(),
            sockets: Sockets::default(),
        }
    }
}
