use std::sync::Arc;

use parking_lot::RwLock;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The certificate that handshakes show. Another one takes its place without a restart; connections that are open stay.
#[derive(Debug, Default)]
pub(super) struct Served(pub(super) RwLock<Option<Arc<CertifiedKey>>>);

impl Served {
    /// Whether that is news.
    pub(super) fn put(&self, found: CertifiedKey) -> bool {
        let mut served = self.0.write();
        if served.as_ref().is_some_and(|served| served.cert == found.cert) {
            return false;
        }
        *served = Some(Arc::new(found));
        true
    }
}

impl ResolvesServerCert for Served {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.read().clone()
    }
}
