use std::net::{Ipv4Addr, SocketAddr};

use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Loopback only until there is sign-in.
    pub listen: SocketAddr,
    /// Sockets of `/live`. One costs about 100 kB while it is written to.
    pub max_screens: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)), max_screens: 256 }
    }
}
