use std::path::Path;
use std::sync::Arc;

use anyhow::bail;
use portal::{Certificate, Hosts};
use rustls::ServerConfig;
use rustls::sign::CertifiedKey;
use rustls_pki_types::CertificateDer;
use tokio_rustls::TlsAcceptor;

use super::served::covers;
use super::shown::{Shown, is_rooted_in};
use super::{names_of_this_host, written_as};
use crate::config::{Config, Spoken};

/// HTTP/1.1, the one that the portal speaks.
const PROTOCOL: &[u8] = b"http/1.1";
/// What whoever sits at this machine calls it; no other site can take these names.
const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// As wrong as any other configuration: start is refused.
#[derive(Debug, thiserror::Error)]
#[error("the certificate of `http.tls` is not fit: {0:#}")]
pub(crate) struct Unfit(anyhow::Error);

/// What browsers are shown, and to which hosts it answers.
#[derive(Clone)]
pub(super) struct Web {
    shown: Shown,
    /// Beside the configured or the certificate's.
    always: Vec<String>,
    hosts: Vec<String>,
}

impl Web {
    /// None: the portal speaks plain HTTP.
    pub(super) fn find(config: &Config, dir: &Path) -> anyhow::Result<Option<Self>> {
        let http = &config.http;
        let (certificate, key, configured) = match http.spoken()? {
            Spoken::Plain => return Ok(None),
            Spoken::SelfMade => (dir.join("web.pem"), dir.join("web.key"), false),
            Spoken::Configured { certificate, key } => (certificate.to_owned(), key.to_owned(), true),
        };
        let address = Some(http.listen.ip()).filter(|ip| !ip.is_unspecified()).map(|ip| ip.to_string());
        let hosts: Vec<_> = http.hosts.iter().map(|host| written_as(host)).collect();
        let names = names_of_this_host(hosts.iter().chain(&address).map(String::as_str));
        let always = LOOPBACK.map(str::to_owned).into_iter().chain(address).collect();
        let shown = Shown { label: "web", certificate, key, names, configured, served: Arc::default() };
        if configured {
            shown.certified().map_err(Unfit)?;
        }
        Ok(Some(Self { shown, always, hosts }))
    }

    pub(super) fn shown(&self) -> &Shown {
        &self.shown
    }

    /// What is shown, whose root is not that of devices: whoever trusts one must not have to trust the other.
    pub(super) fn certified(&self, device_ca: &CertificateDer<'static>) -> anyhow::Result<CertifiedKey> {
        let check = || {
            let certified = self.shown.certified()?;
            if is_rooted_in(&certified, device_ca)? {
                bail!("{} is of the device CA, which vouches for devices only", self.shown.certificate.display());
            }
            Ok(certified)
        };
        check().map_err(|error| if self.shown.configured { Unfit(error).into() } else { error })
    }

    pub(super) fn transport(&self, device_ca: &CertificateDer<'static>) -> anyhow::Result<portal::Tls> {
        let served = self.shown.served.clone();
        served.put(self.certified(device_ca)?);
        let mut config = ServerConfig::builder().with_no_client_auth().with_cert_resolver(served);
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        let certificate = if self.shown.configured { Certificate::Configured } else { Certificate::SelfMade };
        Ok(portal::Tls { acceptor: TlsAcceptor::from(Arc::new(config)), certificate, hosts: self.answers_to() })
    }

    fn answers_to(&self) -> Hosts {
        let (always, hosts) = (self.always.iter().cloned().collect(), self.hosts.iter().cloned().collect());
        let (named, served) = (!self.hosts.is_empty(), self.shown.served.clone());
        Arc::new(move |host| covers(&always, host) || if named { covers(&hosts, host) } else { served.is_for(host) })
    }
}
