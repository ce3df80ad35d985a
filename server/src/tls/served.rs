use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::certificate::{names_of, written_as};

/// The certificate that handshakes show. Another one takes its place without a restart; connections that are open stay.
#[derive(Debug, Default)]
pub(super) struct Served(RwLock<Option<Serving>>);

#[derive(Debug)]
struct Serving {
    key: Arc<CertifiedKey>,
    names: BTreeSet<String>,
}

impl Served {
    /// Whether that is news.
    pub(super) fn put(&self, found: CertifiedKey) -> bool {
        let mut served = self.0.write();
        if served.as_ref().is_some_and(|served| served.key.cert == found.cert) {
            return false;
        }
        let names = found.cert.first().map(|own| names_of(own)).unwrap_or_default();
        *served = Some(Serving { key: Arc::new(found), names });
        true
    }

    /// Whether the certificate is for this host.
    pub(super) fn is_for(&self, host: &str) -> bool {
        self.0.read().as_ref().is_some_and(|served| covers(&served.names, host))
    }

    #[cfg(test)]
    pub(super) fn shown(&self) -> Vec<rustls_pki_types::CertificateDer<'static>> {
        self.0.read().as_ref().unwrap().key.cert.clone()
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.read().as_ref().map(|served| served.key.clone())
    }
}

/// Whether one of `names` is this host's, which is as `Host` has it. A star stands for one label.
pub(super) fn covers(names: &BTreeSet<String>, host: &str) -> bool {
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    let starred = host.split_once('.').map(|(_, rest)| format!("*.{rest}"));
    names.contains(&written_as(host)) || starred.is_some_and(|starred| names.contains(&starred))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_for_its_host_and_a_star_for_one_label() {
        let names = ["vigil.example", "*.ward.example", "192.0.2.7", "2001:db8::7"].map(str::to_owned).into();
        for host in ["vigil.example", "Vigil.Example", "a.ward.example", "192.0.2.7", "[2001:db8:0::7]"] {
            assert!(covers(&names, host), "{host}");
        }
        for host in ["example", "a.vigil.example", "ward.example", "a.b.ward.example", "192.0.2.8", "", "*.example"] {
            assert!(!covers(&names, host), "{host}");
        }
    }
}
