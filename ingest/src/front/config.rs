use std::time::Duration;

use serde::Deserialize;

/// `[ingest.front]` of the configuration.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Admitted clients; beyond it CONNACK says quota exceeded.
    pub max_connections: usize,
    /// Clients between accept and CONNACK; beyond it they wait, or displace who says nothing.
    pub max_unauthenticated: usize,
    /// TLS handshake and CONNECT together.
    pub connect_timeout_ms: u64,
    /// MQTT 5's Maximum Packet Size, fixed header included.
    pub max_packet_bytes: usize,
    /// Longest keep-alive; what MQTT 5 is told instead of a longer one or of none.
    pub max_keep_alive_s: u16,
    /// A client that takes nothing for this long is cut.
    pub write_timeout_ms: u64,
    /// How long a stop waits for the commits of what was accepted.
    pub patience_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_connections: 16_000,
            max_unauthenticated: 512,
            connect_timeout_ms: 5_000,
            max_packet_bytes: 256 * 1024,
            max_keep_alive_s: 600,
            write_timeout_ms: 10_000,
            patience_ms: 10_000,
        }
    }
}

impl Config {
    pub(super) const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) const fn write_timeout(&self) -> Duration {
        Duration::from_millis(self.write_timeout_ms)
    }

    pub(super) const fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }
}
