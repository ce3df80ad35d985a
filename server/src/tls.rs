//! The device CA and the server certificate, made on first start, and what rustls makes of them.

use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use vitals::DeviceName;

use crate::config::Config;

/// Years are rounded to 365 days. A CA lives as long as a bed; what it signs is renewed by enrolling again.
const CA_DAYS: i64 = 20 * 365;
const SERVER_DAYS: i64 = 2 * 365;
const DEVICE_DAYS: i64 = 2 * 365;

/// The folder of keys and certificates: 0700, keys 0600.
pub(crate) struct Tls {
    dir: PathBuf,
}

impl Tls {
    /// Makes what is missing; keeps what is there.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let tls = Self { dir: config.state_dir().join("tls") };
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&tls.dir).context("create the folder of keys")?;
        tls.authority("device-ca", "Vigil device CA")?;
        tls.authority("server-ca", "Vigil server CA")?;
        if !tls.path("server.pem").exists() {
            let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
            names.extend(std::fs::read_to_string("/proc/sys/kernel/hostname").ok().map(|name| name.trim().to_owned()));
            names.extend(config.mqtt.server_names.iter().cloned());
            names.retain(|name| !name.is_empty());
            names.dedup();
            let mut params = CertificateParams::new(names).context("name the server certificate")?;
            params.distinguished_name.push(DnType::CommonName, "Vigil");
            params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
            let (key, certificate) = tls.sign("server-ca", params, SERVER_DAYS)?;
            write_new(&tls.path("server.key"), &key)?;
            write_new(&tls.path("server.pem"), &certificate)?;
        }
        Ok(tls)
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
        write_new(&key_path, &key.serialize_pem())?;
        write_new(&path, &certificate.pem())
    }

    /// (key, certificate) in PEM.
    fn sign(&self, authority: &str, mut params: CertificateParams, days: i64) -> anyhow::Result<(String, String)> {
        let read = |name: String| std::fs::read_to_string(self.path(&name)).with_context(|| format!("read {name}"));
        let ca_key = KeyPair::from_pem(&read(format!("{authority}.key"))?)?;
        let issuer = Issuer::from_ca_cert_pem(&read(format!("{authority}.pem"))?, ca_key)?;
        valid_for(&mut params, days);
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &issuer)?;
        Ok((key.serialize_pem(), certificate.pem()))
    }

    /// Writes ID.key and ID.pem into `dir`; answers the certificate's DER and when it ends.
    pub(crate) fn issue(
        &self,
        device: &DeviceName,
        dir: &Path,
    ) -> anyhow::Result<(CertificateDer<'static>, vitals::Timestamp)> {
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, device.as_str());
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let (key, certificate) = self.sign("device-ca", params, DEVICE_DAYS)?;
        std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        write_new(&dir.join(format!("{device}.key")), &key)?;
        write_new(&dir.join(format!("{device}.pem")), &certificate)?;
        let ends = vitals::Clock::system().now().plus_millis(DEVICE_DAYS * 86_400_000);
        Ok((CertificateDer::from_pem_slice(certificate.as_bytes())?, ends))
    }

    /// TLS 1.2 and 1.3. A client certificate is optional, since devices may have a secret instead; one that is shown
    /// must be of the device CA.
    pub(crate) fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.path("device-ca.pem"))?)?;
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build()?;
        let chain: Vec<_> = CertificateDer::pem_file_iter(self.path("server.pem"))?.collect::<Result<_, _>>()?;
        let key = PrivateKeyDer::from_pem_file(self.path("server.key"))?;
        if chain.is_empty() {
            bail!("server.pem holds no certificate");
        }
        let config = ServerConfig::builder().with_client_cert_verifier(verifier).with_single_cert(chain, key)?;
        Ok(TlsAcceptor::from(Arc::new(config)))
    }
}

/// From yesterday, so that a device whose clock is slow still takes it.
fn valid_for(params: &mut CertificateParams, days: i64) {
    let now = vitals::Clock::system().now();
    let date = |days: i64| {
        let at = jiff::Timestamp::from_microsecond(now.plus_millis(days * 86_400_000).micros()).unwrap_or_default();
        let date = at.to_zoned(jiff::tz::TimeZone::UTC).date();
        rcgen::date_time_ymd(i32::from(date.year()), date.month().unsigned_abs(), date.day().unsigned_abs())
    };
    params.not_before = date(-1);
    params.not_after = date(days);
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let write = || {
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()
    };
    write().with_context(|| format!("write {}", path.display()))
}
