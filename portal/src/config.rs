use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Sockets of `/live`. One costs about 100 kB while it is written to.
    pub max_screens: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self { max_screens: 256 }
    }
}
