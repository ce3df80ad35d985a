use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::Error;

/// The portal.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Http {
    /// Without TLS, loopback only. `VIGIL_HTTP_LISTEN` overrides.
    pub(crate) listen: SocketAddr,
    /// Names and addresses to which it answers over TLS beside loopback and `listen`: those of its certificate, unless these are
    /// given. One that we make has them.
    pub(crate) hosts: Vec<String>,
    pub(crate) tls: HttpTls,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct HttpTls {
    /// PEM, the server's own first, then its chain.
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) self_made: Option<SelfMade>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) enum SelfMade {
    /// In writing, since nobody vouches for who answers then.
    #[serde(rename = "accepted")]
    Accepted,
}

/// What the portal speaks.
pub(crate) enum Spoken<'a> {
    Plain,
    SelfMade,
    Configured { certificate: &'a Path, key: &'a Path },
}

/// What monitoring reads.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Metrics {
    /// Beyond loopback over the portal's TLS, and with a token. `VIGIL_METRICS_LISTEN` overrides.
    pub(crate) listen: SocketAddr,
    /// A file of mode 0600 with what a monitor gives as its bearer token.
    pub(crate) token_file: Option<PathBuf>,
}

impl Default for Http {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)), hosts: Vec::new(), tls: HttpTls::default() }
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 9464)), token_file: None }
    }
}

impl Http {
    pub(crate) fn spoken(&self) -> Result<Spoken<'_>, Error> {
        match (&self.tls.certificate, &self.tls.key, self.tls.self_made) {
            (None, None, None) => Ok(Spoken::Plain),
            (None, None, Some(SelfMade::Accepted)) => Ok(Spoken::SelfMade),
            (Some(certificate), Some(key), None) => Ok(Spoken::Configured { certificate, key }),
            (Some(_), Some(_), Some(_)) => Err(Error::TwoCertificates),
            _ => Err(Error::HalfACertificate),
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let plain = matches!(self.spoken()?, Spoken::Plain);
        if plain && !self.listen.ip().is_loopback() {
            return Err(Error::PortalBeyondLoopback(self.listen));
        }
        if plain && !self.hosts.is_empty() {
            return Err(Error::HostsWithoutTls);
        }
        match self.hosts.iter().find(|host| !is_host(host)) {
            Some(host) => Err(Error::Host(host.clone())),
            None => Ok(()),
        }
    }

    /// Where a browser finds it.
    pub(crate) fn url(&self) -> String {
        let scheme = if matches!(self.spoken(), Ok(Spoken::Plain)) { "http" } else { "https" };
        let named = self.hosts.iter().find(|host| !host.starts_with('*'));
        let host = match (named, self.listen.ip()) {
            (Some(host), _) => host.parse().map_or_else(|_| host.clone(), bracketed),
            (None, ip) if ip.is_unspecified() => "localhost".to_owned(),
            (None, ip) => bracketed(ip),
        };
        format!("{scheme}://{host}:{}", self.listen.port())
    }
}

impl Metrics {
    pub(super) fn check(&self, http: &Http) -> Result<(), Error> {
        if self.listen.ip().is_loopback() {
            return Ok(());
        }
        if self.token_file.is_none() {
            return Err(Error::MetricsWithoutToken(self.listen));
        }
        if matches!(http.spoken()?, Spoken::Plain) { Err(Error::MetricsInTheClear(self.listen)) } else { Ok(()) }
    }
}

fn bracketed(ip: IpAddr) -> String {
    if ip.is_ipv6() { format!("[{ip}]") } else { ip.to_string() }
}

/// A name, one with a star for its first label, or an address: no scheme, no port.
fn is_host(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    text.parse::<IpAddr>().is_ok() || name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_names_what_a_browser_can_reach() {
        let http = |listen: &str, hosts: &[&str], self_made| Http {
            listen: listen.parse().unwrap(),
            hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
            tls: HttpTls { self_made, ..HttpTls::default() },
        };
        let made = Some(SelfMade::Accepted);
        assert_eq!(http("127.0.0.1:8080", &[], None).url(), "http://127.0.0.1:8080");
        assert_eq!(http("0.0.0.0:8443", &[], made).url(), "https://localhost:8443");
        assert_eq!(http("0.0.0.0:8443", &["*.example", "vigil.example"], made).url(), "https://vigil.example:8443");
        assert_eq!(http("[2001:db8::7]:443", &[], made).url(), "https://[2001:db8::7]:443");
        assert_eq!(http("0.0.0.0:443", &["2001:db8::7"], made).url(), "https://[2001:db8::7]:443");
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_nothing_around_it() {
        for host in ["vigil", "vigil.ward.example", "*.ward.example", "192.0.2.7", "2001:db8::7"] {
            assert!(is_host(host), "{host}");
        }
        for host in ["", "*", "https://vigil", "vigil:8443", "vigil/", "a b", "me@vigil", "*.*.example", "vigil."] {
            assert!(!is_host(host), "{host}");
        }
    }
}
