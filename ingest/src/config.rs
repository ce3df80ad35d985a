use serde::Deserialize;

/// `[ingest]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Connections that write, each with its own share of the devices. Two keep the database busy while one of them commits.
    pub writers: usize,
    /// Messages a connection may have unacknowledged: its MQTT 5 Receive Maximum.
    pub window: usize,
    /// Bytes of messages a connection may have unacknowledged, or of the memory they take where that is more.
    pub window_bytes: usize,
    /// Such bytes held unacknowledged by all connections together; beyond it sockets stop being read.
    pub held_bytes: usize,
    /// `t` older than this is kept in quarantine: its chunk is in the archive.
    pub horizon_days: i64,
    pub front: crate::front::Config,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            writers: 2,
            window: 64,
            window_bytes: 1 << 20,
            held_bytes: 256 << 20,
            horizon_days: 400,
            front: crate::front::Config::default(),
        }
    }
}
