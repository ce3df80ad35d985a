mod address;
mod database;
mod keys;
mod web;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use database::Database;
pub(crate) use keys::Keys;
pub(crate) use web::{Http, Metrics, Spoken};

/// What MQTT can count in flight.
const MAX_WINDOW: u64 = 65_535;

/// The whole configuration: each part owns its own, this only nests them. Secrets come from the environment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Where the private database, keys and certificates live. `VIGIL_STATE_DIR` overrides.
    pub(crate) state_dir: Option<PathBuf>,
    pub(crate) database: Database,
    pub(crate) keys: Keys,
    pub(crate) mqtt: Mqtt,
    pub(crate) http: Http,
    pub(crate) metrics: Metrics,
    pub(crate) ingest: ingest::Config,
    pub(crate) portal: portal::Config,
    pub(crate) audit: Audit,
    pub(crate) system: System,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Mqtt {
    /// Plain MQTT: loopback only. `VIGIL_MQTT_LISTEN` overrides.
    pub(crate) listen: SocketAddr,
    /// MQTT over TLS. `VIGIL_MQTTS_LISTEN` overrides.
    pub(crate) tls_listen: SocketAddr,
    /// Names and addresses in the self-made server certificate, beside this host's own.
    pub(crate) server_names: Vec<String>,
}

impl Default for Mqtt {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 1883)),
            tls_listen: SocketAddr::from(([0, 0, 0, 0], 8883)),
            server_names: Vec::new(),
        }
    }
}

/// Where the audit keeps what nobody who changes the database may change.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Audit {
    /// The key that signs how far the audit has come; made where there is none. Without it, one in the state folder.
    pub(crate) key: Option<PathBuf>,
    /// The signed heads are appended to this file as well: on a mount that this machine can add to and not rewrite.
    pub(crate) sink: Option<PathBuf>,
}

impl Audit {
    pub(crate) fn settings(&self, config: &Config) -> portal::audit::Settings {
        let in_state = portal::audit::Settings::in_folder(&config.state_dir().join("audit"));
        let key = self.key.clone().unwrap_or(in_state.key);
        portal::audit::Settings { key, sink: self.sink.clone(), ..in_state }
    }
}

/// When the system raises an alarm about itself.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct System {
    /// Less than this share of a filesystem is free, and less than `disk_low_bytes`. 0: never.
    pub(crate) disk_low_percent: u8,
    pub(crate) disk_low_bytes: u64,
}

impl Default for System {
    fn default() -> Self {
        // Twenty gigabytes: two days of a thousand beds, and more than the log that PostgreSQL keeps for itself.
        Self { disk_low_percent: 10, disk_low_bytes: 20 << 30 }
    }
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error("read {0}")]
    Read(PathBuf, #[source] std::io::Error),
    /// Without the line that is wrong: somebody may have written a secret there.
    #[error("{}:{line}: {said}", .file.display())]
    Form { file: PathBuf, line: usize, said: String },
    #[error("{0} is no address with a port: {1}")]
    Address(&'static str, String),
    #[error("plain MQTT on {0} would carry readings in the clear: only loopback is served without TLS")]
    PlainBeyondLoopback(SocketAddr),
    #[error(
        "the portal on {0} would send readings and passwords in the clear: beyond loopback it needs `http.tls.certificate` and \
         `http.tls.key`, or `http.tls.self_made = \"accepted\"`"
    )]
    PortalBeyondLoopback(SocketAddr),
    #[error("`http.tls` has a certificate and accepts a self-made one: leave one of them out")]
    TwoCertificates,
    #[error("`http.tls.certificate` and `http.tls.key` belong together")]
    HalfACertificate,
    #[error("`http.hosts` holds for TLS: without it the portal answers to loopback names only")]
    HostsWithoutTls,
    #[error("`http.hosts` names hosts without scheme and port, not {0:?}")]
    Host(String),
    #[error("metrics on {0} would be read by anybody: beyond loopback they need `metrics.token_file`")]
    MetricsWithoutToken(SocketAddr),
    #[error("metrics on {0} would get their token in the clear: beyond loopback they need the portal's `http.tls`")]
    MetricsInTheClear(SocketAddr),
    #[error("[keys.vault] {0}")]
    Vault(&'static str),
    #[error("the database on {0} would get readings in the clear: only a socket or loopback is used without TLS")]
    DatabaseBeyondLoopback(String),
    #[error("read the database's address: {0}")]
    DatabaseUrl(&'static str),
    #[error(transparent)]
    Database(#[from] store::Error),
    #[error("{0} may not be 0")]
    Zero(&'static str),
    #[error("{0} may not be more than {1}")]
    TooMuch(&'static str, u64),
}

impl Error {
    fn of_form(file: &Path, text: &str, error: &toml::de::Error) -> Self {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        Self::Form { file: file.to_owned(), line, said: error.message().to_owned() }
    }
}

impl Config {
    /// Reads the file and lets the environment override it. Wrong before a port is bound.
    pub(crate) fn read(file: Option<&Path>) -> Result<Self, Error> {
        let mut config = match file {
            None => Self::default(),
            Some(file) => {
                let text = std::fs::read_to_string(file).map_err(|error| Error::Read(file.to_owned(), error))?;
                Self::parse(&text).map_err(|error| Error::of_form(file, &text, &error))?
            }
        };
        config.keys.read_environment();
        if let Some(dir) = env("VIGIL_STATE_DIR") {
            config.state_dir = Some(dir.into());
        }
        config.database.read_environment();
        for (name, address) in [
            ("VIGIL_MQTT_LISTEN", &mut config.mqtt.listen),
            ("VIGIL_MQTTS_LISTEN", &mut config.mqtt.tls_listen),
            ("VIGIL_HTTP_LISTEN", &mut config.http.listen),
            ("VIGIL_METRICS_LISTEN", &mut config.metrics.listen),
        ] {
            if let Some(text) = env(name) {
                *address = text.parse().map_err(|_| Error::Address(name, text))?;
            }
        }
        config.check()?;
        Ok(config)
    }

    /// What is readable and makes no sense, or is not safe.
    fn check(&self) -> Result<(), Error> {
        if !self.mqtt.listen.ip().is_loopback() {
            return Err(Error::PlainBeyondLoopback(self.mqtt.listen));
        }
        self.keys.check()?;
        self.http.check()?;
        self.metrics.check(&self.http)?;
        self.database.check()?;
        let (ingest, front, connections) = (&self.ingest, &self.ingest.front, &self.database.connections);
        let horizon_days = u64::try_from(ingest.horizon_days).unwrap_or(0);
        for (name, value) in [
            ("database.connections.ingest", connections.ingest as u64),
            ("database.connections.alerting", connections.alerting as u64),
            ("database.connections.portal", connections.portal as u64),
            ("database.connections.audit", connections.audit as u64),
            ("database.connections.keys", connections.keys as u64),
            ("ingest.writers", ingest.writers as u64),
            ("ingest.window", ingest.window as u64),
            ("ingest.window_bytes", ingest.window_bytes as u64),
            ("ingest.held_bytes", ingest.held_bytes as u64),
            ("ingest.horizon_days", horizon_days),
            ("ingest.front.max_connections", front.max_connections as u64),
            ("ingest.front.max_unauthenticated", front.max_unauthenticated as u64),
            ("ingest.front.connect_timeout_ms", front.connect_timeout_ms),
            ("ingest.front.max_packet_bytes", front.max_packet_bytes as u64),
            ("ingest.front.max_keep_alive_s", u64::from(front.max_keep_alive_s)),
            ("ingest.front.write_timeout_ms", front.write_timeout_ms),
            ("ingest.front.patience_ms", front.patience_ms),
            ("portal.max_screens", self.portal.max_screens as u64),
        ] {
            if value == 0 {
                return Err(Error::Zero(name));
            }
        }
        if ingest.window as u64 > MAX_WINDOW {
            return Err(Error::TooMuch("ingest.window", MAX_WINDOW));
        }
        if self.system.disk_low_percent > 100 {
            return Err(Error::TooMuch("system.disk_low_percent", 100));
        }
        Ok(())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    pub(crate) fn state_dir(&self) -> PathBuf {
        self.state_dir.clone().unwrap_or_else(|| match env("HOME") {
            // A plain user keeps it at home; a service has no home.
            Some(home) if !home.is_empty() && home != "/" && home != "/root" => {
                Path::new(&home).join(".local/share/vigil")
            }
            _ => PathBuf::from("/var/lib/vigil"),
        })
    }
}

pub(crate) fn log_filter() -> String {
    env("VIGIL_LOG").unwrap_or_default()
}

fn env(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_example_is_valid() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
        let mut seen = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                let config = Config::parse(&std::fs::read_to_string(&path).unwrap())
                    .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                config.check().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
                seen += 1;
            }
        }
        assert!(seen > 0);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = Config::parse("[mqtt]\nlisten_address = \"127.0.0.1:1\"").unwrap_err();
        assert!(error.to_string().contains("listen_address"), "{error}");
    }
}
