//! The device CA and the server certificate, made on first start, and what rustls makes of them.

mod certificate;
mod served;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::crypto::aws_lc_rs;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use vitals::{DeviceName, Timestamp};
use x509_parser::pem::Pem;

use crate::config::Config;
use certificate::{ServerCertificate, end_of};
use served::Served;

/// Years are rounded to 365 days. A CA lives as long as a bed; what it signs is renewed by enrolling again.
const CA_DAYS: i64 = 20 * 365;
const SERVER_DAYS: i64 = 2 * 365;
const DEVICE_DAYS: i64 = 2 * 365;
pub(crate) const DAY_MS: i64 = 86_400_000;
pub(crate) const SERVER_CA: &str = "Vigil server CA";

/// The folder of keys and certificates: 0700, keys 0600. Clones share what is served.
#[derive(Clone)]
pub(crate) struct Tls {
    dir: PathBuf,
    /// In our own server certificate.
    names: BTreeSet<String>,
    served: Arc<Served>,
}

impl Tls {
    /// Makes what is missing, and a server certificate that ends soon or has other names anew; keeps the rest.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let dir = config.state_dir().join("tls");
        let tls = Self { dir, names: server_names(config), served: Arc::default() };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&tls.dir).context("create the folder of keys")?;
        tls.authority("device-ca", "Vigil device CA")?;
        tls.authority("server-ca", SERVER_CA)?;
        if !tls.path("server.pem").exists() || !tls.server()?.fits(&tls.names) {
            tls.make_server(SERVER_DAYS)?;
        }
        Ok(tls)
    }

    fn make_server(&self, days: i64) -> anyhow::Result<()> {
        let (key_path, path) = (self.path("server.key"), self.path("server.pem"));
        let mut params = CertificateParams::new(self.names.iter().cloned().collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, "Vigil");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (key, certificate) = self.sign("server-ca", params, days).context("make the server certificate")?;
        // Gone before its key is: after a crash in between the next start makes both.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error).context("remove server.pem"),
            _ => {}
        }
        write(&key_path, &key)?;
        write(&path, &certificate)
    }

    pub(crate) fn server(&self) -> anyhow::Result<ServerCertificate> {
        let text = fs::read(self.path("server.pem")).context("read server.pem")?;
        ServerCertificate::read(&text).context("understand server.pem")
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn authority(&self, name: &str, common_name: &str) -> anyhow::Result<()> {
        let (key_path, path) = (self.path(&format!("{name}.key")), self.path(&format!("{name}.pem")));
        if path.exists() {
            return Ok(());
        }
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        valid_for(&mut params, CA_DAYS);
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        // The key first: a crash in between leaves a key that the next start replaces.
        write(&key_path, &key.serialize_pem())?;
        write(&path, &certificate.pem())
    }

    /// (key, certificate) in PEM.
    fn sign(&self, authority: &str, mut params: CertificateParams, days: i64) -> anyhow::Result<(String, String)> {
        let read = |name: String| fs::read_to_string(self.path(&name)).with_context(|| format!("read {name}"));
        let ca_key = KeyPair::from_pem(&read(format!("{authority}.key"))?)?;
        let issuer = Issuer::from_ca_cert_pem(&read(format!("{authority}.pem"))?, ca_key)?;
        valid_for(&mut params, days);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        Ok((key.serialize_pem(), certificate.pem()))
    }

    /// Writes ID.key and ID.pem into `dir`.
    pub(crate) fn issue(&self, device: &DeviceName, dir: &Path) -> anyhow::Result<Issued> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, device.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (key, certificate) = self.sign("device-ca", params, DEVICE_DAYS)?;
        fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        let mut issued = Issued {
            certificate: dir.join(format!("{device}.pem")),
            key: dir.join(format!("{device}.key")),
            der: CertificateDer::from_pem_slice(certificate.as_bytes())?,
            ends_at: vitals::Clock::system().now().plus_millis(DEVICE_DAYS * DAY_MS),
            written: Vec::new(),
        };
        for (path, text) in [(issued.key.clone(), key), (issued.certificate.clone(), certificate)] {
            write_new(&path, &text)?;
            issued.written.push(path);
        }
        Ok(issued)
    }

    /// Makes our own server certificate anew where it is due, and serves what lies in the files: ours, or what an
    /// operator put there. True: another one than before.
    pub(crate) fn refresh(&self) -> anyhow::Result<bool> {
        if self.server()?.due() {
            self.make_server(SERVER_DAYS).context("renew the server certificate")?;
        }
        Ok(self.served.put(self.certified()?))
    }

    /// When the certificates end on which connections rest, each by its name.
    pub(crate) fn ends(&self) -> anyhow::Result<Vec<(&'static str, Timestamp)>> {
        let end = |name: &str| self.end(name).with_context(|| format!("read when {name} ends"));
        let mut ends = vec![("server", end("server.pem")?), ("device_ca", end("device-ca.pem")?)];
        if self.server()?.self_made {
            ends.push(("server_ca", end("server-ca.pem")?));
        }
        Ok(ends)
    }

    /// The first end in a file: a chain holds no longer than its shortest link.
    fn end(&self, name: &str) -> anyhow::Result<Timestamp> {
        let text = fs::read(self.path(name))?;
        let mut first: Option<Timestamp> = None;
        for pem in Pem::iter_from_buffer(&text) {
            let end = end_of(&pem?.parse_x509()?);
            first = Some(first.map_or(end, |first| first.min(end)));
        }
        first.context("find a certificate")
    }

    fn certified(&self) -> anyhow::Result<CertifiedKey> {
        let chain: Vec<_> = CertificateDer::pem_file_iter(self.path("server.pem"))?.collect::<Result<_, _>>()?;
        if chain.is_empty() {
            bail!("server.pem holds no certificate");
        }
        let key = PrivateKeyDer::from_pem_file(self.path("server.key"))?;
        CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).context("use server.pem with server.key")
    }

    /// TLS 1.2 and 1.3. A client certificate is optional, since devices may have a secret instead; one that is shown
    /// must be of the device CA.
    pub(crate) fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("device-ca.pem"))?)?;
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build()?;
        self.served.put(self.certified()?);
        let config =
            ServerConfig::builder().with_client_cert_verifier(verifier).with_cert_resolver(self.served.clone());
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// From yesterday, so that a device whose clock is slow still takes it.
fn valid_for(params: &mut CertificateParams, days: i64) {
    let now = vitals::Clock::system().now();
    let date = |days: i64| {
        let at = jiff::Timestamp::from_microsecond(now.plus_millis(days * DAY_MS).micros()).unwrap_or_default();
        let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = date(-1);
    params.not_after = date(days);
}

/// The key and the certificate of a device, in files that are removed again unless they are kept.
pub(crate) struct Issued {
    pub(crate) key: PathBuf,
    pub(crate) certificate: PathBuf,
    pub(crate) der: CertificateDer<'static>,
    pub(crate) ends_at: Timestamp,
    written: Vec<PathBuf>,
}

impl Issued {
    pub(crate) fn keep(&mut self) {
        self.written.clear();
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        for path in &self.written {
            if let Err(error) = fs::remove_file(path) {
                tracing::error!("could not remove {}: {error}", path.display());
            }
        }
    }
}

fn server_names(config: &Config) -> BTreeSet<String> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let names = ["localhost", "127.0.0.1", "::1", host.trim()].into_iter();
    let names = names.chain(config.mqtt.server_names.iter().map(String::as_str)).filter(|name| !name.is_empty());
    // Addresses in the form in which they are read back.
    names.map(|name| name.parse().map_or_else(|_| name.to_owned(), |ip: IpAddr| ip.to_string())).collect()
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    write_with(OpenOptions::new().create(true).truncate(true), path, text)
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    write_with(OpenOptions::new().create_new(true), path, text)
}

fn write_with(options: &mut OpenOptions, path: &Path, text: &str) -> anyhow::Result<()> {
    let mut write = || {
        let mut file = options.write(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::certificate::RENEW_DAYS;
    use super::*;

    #[test]
    fn another_certificate_is_served_without_a_restart_ours_when_it_is_due_and_anothers_when_it_is_whole() {
        let state = tempfile::tempdir().unwrap();
        let tls = Tls::open(&Config { state_dir: Some(state.path().to_owned()), ..Config::default() }).unwrap();
        tls.acceptor().unwrap();
        let ends_in = |name: &str, days: std::ops::Range<i64>| {
            let (_, end) = tls.ends().unwrap().into_iter().find(|(known, _)| *known == name).unwrap();
            let left = end.millis_since(vitals::Clock::system().now()) / DAY_MS;
            assert!(days.contains(&left), "{name} ends in {left} days");
        };
        assert!(!tls.refresh().unwrap(), "nothing is due");
        ends_in("server", SERVER_DAYS - 2..SERVER_DAYS + 1);
        ends_in("device_ca", CA_DAYS - 2..CA_DAYS + 1);
        ends_in("server_ca", CA_DAYS - 2..CA_DAYS + 1);
        tls.make_server(RENEW_DAYS - 1).unwrap();
        ends_in("server", RENEW_DAYS - 3..RENEW_DAYS);
        assert!(tls.refresh().unwrap(), "ours was due");
        ends_in("server", SERVER_DAYS - 2..SERVER_DAYS + 1);

        let served = tls.certified().unwrap().cert;
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        valid_for(&mut params, 3);
        let another = params.self_signed(&key).unwrap();
        write(&tls.path("server.pem"), &[another.pem(), another.pem()].concat()).unwrap();
        let half = tls.refresh().unwrap_err();
        assert!(format!("{half:#}").contains("use server.pem with server.key"), "{half:#}");
        let shown = || tls.served.0.read().as_ref().unwrap().cert.clone();
        assert_eq!(shown(), served, "half of another one is not served");
        write(&tls.path("server.key"), &key.serialize_pem()).unwrap();
        assert!(tls.refresh().unwrap(), "it is whole");
        assert_eq!(shown(), [another.der().clone(), another.der().clone()]);
        ends_in("server", 2..4);
        assert!(!tls.refresh().unwrap() && shown()[0] == *another.der(), "another's is left alone");
        assert!(tls.ends().unwrap().iter().all(|(name, _)| *name != "server_ca"), "nobody trusts it now");
    }
}
