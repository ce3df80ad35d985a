//! The device CA and the server certificate, made on first start, and what rustls makes of them.

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
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use vitals::{DeviceName, Timestamp};
use x509_parser::extensions::GeneralName;
use x509_parser::pem::Pem;

use crate::config::Config;

/// Years are rounded to 365 days. A CA lives as long as a bed; what it signs is renewed by enrolling again.
const CA_DAYS: i64 = 20 * 365;
const SERVER_DAYS: i64 = 2 * 365;
const DEVICE_DAYS: i64 = 2 * 365;
/// What is left of a server certificate when a start makes another one.
const RENEW_DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;
const SERVER_CA: &str = "Vigil server CA";

/// The folder of keys and certificates: 0700, keys 0600.
pub(crate) struct Tls {
    dir: PathBuf,
}

impl Tls {
    /// Makes what is missing, and a server certificate that ends soon or has other names anew; keeps the rest.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let tls = Self { dir: config.state_dir().join("tls") };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&tls.dir).context("create the folder of keys")?;
        tls.authority("device-ca", "Vigil device CA")?;
        tls.authority("server-ca", SERVER_CA)?;
        let names = server_names(config);
        if !tls.path("server.pem").exists() || !tls.server()?.fits(&names) {
            tls.make_server(names)?;
        }
        Ok(tls)
    }

    fn make_server(&self, names: BTreeSet<String>) -> anyhow::Result<()> {
        let (key_path, path) = (self.path("server.key"), self.path("server.pem"));
        let mut params = CertificateParams::new(names.into_iter().collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, "Vigil");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (key, certificate) = self.sign("server-ca", params, SERVER_DAYS).context("make the server certificate")?;
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

/// What clients see of us.
pub(crate) struct ServerCertificate {
    pub(crate) ends_at: Timestamp,
    names: BTreeSet<String>,
    /// Another authority's is the operator's to renew.
    self_made: bool,
}

impl ServerCertificate {
    fn read(pem: &[u8]) -> anyhow::Result<Self> {
        let (_, pem) = x509_parser::pem::parse_x509_pem(pem)?;
        let certificate = Pem::parse_x509(&pem)?;
        let names = certificate.subject_alternative_name()?.map_or(&[][..], |names| &names.value.general_names);
        let issuers: Vec<_> = certificate.issuer().iter_common_name().map(|name| name.as_str()).collect();
        Ok(Self {
            ends_at: Timestamp::from_millis(certificate.validity().not_after.timestamp() * 1_000),
            names: names.iter().filter_map(written).collect(),
            self_made: issuers == [Ok(SERVER_CA)],
        })
    }

    fn fits(&self, names: &BTreeSet<String>) -> bool {
        let renew_at = self.ends_at.plus_millis(-RENEW_DAYS * DAY_MS);
        let lasts = vitals::Clock::system().now() < renew_at;
        if !self.self_made && !lasts {
            tracing::warn!("the server certificate ends at {}", self.ends_at);
        }
        !self.self_made || (lasts && self.names == *names)
    }
}

fn server_names(config: &Config) -> BTreeSet<String> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let names = ["localhost", "127.0.0.1", "::1", host.trim()].into_iter();
    let names = names.chain(config.mqtt.server_names.iter().map(String::as_str)).filter(|name| !name.is_empty());
    // Addresses in the form in which they are read back.
    names.map(|name| name.parse().map_or_else(|_| name.to_owned(), |ip: IpAddr| ip.to_string())).collect()
}

fn written(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some((*name).to_owned()),
        GeneralName::IPAddress(bytes) => {
            let v4 = <[u8; 4]>::try_from(*bytes).map(IpAddr::from);
            v4.or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from)).ok().map(|ip| ip.to_string())
        }
        _ => None,
    }
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
    use super::*;

    #[test]
    fn a_server_certificate_is_renewed_before_it_ends_and_anothers_is_left_alone() {
        let names = server_names(&Config::default());
        let with = |days: i64, self_made| ServerCertificate {
            ends_at: vitals::Clock::system().now().plus_millis(days * DAY_MS),
            names: names.clone(),
            self_made,
        };
        assert!(with(RENEW_DAYS + 1, true).fits(&names));
        assert!(!with(RENEW_DAYS - 1, true).fits(&names));
        assert!(!with(RENEW_DAYS + 1, true).fits(&BTreeSet::new()));
        assert!(with(-1, false).fits(&BTreeSet::new()));
    }
}
