use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use rustls::RootCertStore;
use rustls::client::verify_server_cert_signed_by_trust_anchor;
use rustls::crypto::aws_lc_rs;
use rustls::server::ParsedCertificate;
use rustls::sign::CertifiedKey;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};

use super::certificate::ServerCertificate;
use super::served::Served;

/// A certificate that is shown to those who connect, and its key: two files, ours to make anew or an operator's.
#[derive(Clone)]
pub(super) struct Shown {
    /// Its label in metrics, and what the log calls it.
    pub(super) label: &'static str,
    pub(super) certificate: PathBuf,
    pub(super) key: PathBuf,
    /// In one of our own.
    pub(super) names: BTreeSet<String>,
    /// Named by the configuration: never ours to make, whoever signed it.
    pub(super) configured: bool,
    /// Clones share it.
    pub(super) served: Arc<Served>,
}

impl Shown {
    pub(super) fn read(&self) -> anyhow::Result<ServerCertificate> {
        let file = self.certificate.display();
        let text = fs::read(&self.certificate).with_context(|| format!("read {file}"))?;
        let read = ServerCertificate::read(&text).with_context(|| format!("understand {file}"))?;
        Ok(ServerCertificate { self_made: read.self_made && !self.configured, ..read })
    }

    /// Whether another one of our own is to be made.
    pub(super) fn is_wanting(&self) -> anyhow::Result<bool> {
        Ok(!self.configured && (!self.certificate.exists() || !self.read()?.fits(&self.names)))
    }

    pub(super) fn certified(&self) -> anyhow::Result<CertifiedKey> {
        let (file, key) = (self.certificate.display(), self.key.display());
        let chain = CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.with_context(|| format!("read {file}"))?;
        if chain.is_empty() {
            bail!("{file} holds no certificate");
        }
        let private = PrivateKeyDer::from_pem_file(&self.key).with_context(|| format!("read {key}"))?;
        let provider = aws_lc_rs::default_provider();
        CertifiedKey::from_der(chain, private, &provider).with_context(|| format!("use {file} with {key}"))
    }
}

/// Whether `authority` stands behind what is shown.
pub(super) fn is_rooted_in(shown: &CertifiedKey, authority: &CertificateDer<'static>) -> anyhow::Result<bool> {
    let [own, chain @ ..] = shown.cert.as_slice() else { return Ok(false) };
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone())?;
    let algorithms = aws_lc_rs::default_provider().signature_verification_algorithms.all;
    let own = ParsedCertificate::try_from(own)?;
    let rooted = verify_server_cert_signed_by_trust_anchor(&own, &roots, chain, UnixTime::now(), algorithms).is_ok();
    Ok(rooted || shown.cert.contains(authority))
}
