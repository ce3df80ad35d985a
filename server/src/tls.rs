//! The device CA and the certificates of servers, made on first start or configured, and what rustls makes of them.

mod certificate;
mod served;
mod shown;
mod web;

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use portal::Transport;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_rustls::TlsAcceptor;
use vitals::{DeviceName, Timestamp};
use x509_parser::pem::Pem;

use crate::config::Config;
use certificate::{ServerCertificate, end_of, written_as};
use shown::Shown;

pub(crate) use web::Unfit;

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
    /// To devices.
    server: Shown,
    /// To browsers; None where the portal speaks plain HTTP.
    web: Option<web::Web>,
}

impl Tls {
    /// Makes what is missing, and a certificate of our own that ends soon or has other names anew; keeps the rest.
    pub(crate) fn open(config: &Config) -> anyhow::Result<Self> {
        let dir = config.state_dir().join("tls");
        let server = Shown {
            label: "server",
            certificate: dir.join("server.pem"),
            key: dir.join("server.key"),
            names: names_of_this_host(config.mqtt.server_names.iter().map(String::as_str)),
            configured: false,
            served: Arc::default(),
        };
        // Before anything is made: one that is configured is fit, or the configuration is wrong.
        let tls = Self { web: web::Web::find(config, &dir)?, dir, server };
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&tls.dir).context("create the folder of keys")?;
        tls.authority("device-ca", "Vigil device CA")?;
        tls.authority("server-ca", SERVER_CA)?;
        for shown in tls.shown() {
            if shown.is_wanting()? {
                tls.make(shown, SERVER_DAYS)?;
            }
        }
        if let Some(web) = &tls.web {
            web.certified(&tls.device_ca()?)?;
        }
        Ok(tls)
    }

    fn shown(&self) -> impl Iterator<Item = &Shown> {
        [&self.server].into_iter().chain(self.web.as_ref().map(web::Web::shown))
    }

    fn make(&self, shown: &Shown, days: i64) -> anyhow::Result<()> {
        let mut params = CertificateParams::new(shown.names.iter().cloned().collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, "Vigil");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let (key, certificate) = self.sign("server-ca", params, days).context("make a server certificate")?;
        // Gone before its key is: after a crash in between the next start makes both.
        match fs::remove_file(&shown.certificate) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("remove {}", shown.certificate.display()));
            }
            _ => {}
        }
        write(&shown.key, &key)?;
        write(&shown.certificate, &certificate)
    }

    /// What devices see.
    pub(crate) fn server(&self) -> anyhow::Result<ServerCertificate> {
        self.server.read()
    }

    /// What browsers see.
    pub(crate) fn web(&self) -> anyhow::Result<Option<ServerCertificate>> {
        self.web.as_ref().map(|web| web.shown().read()).transpose()
    }

    fn device_ca(&self) -> anyhow::Result<CertificateDer<'static>> {
        Ok(CertificateDer::from_pem_file(self.path("device-ca.pem"))?)
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

    /// Makes certificates of our own anew where they are due, and serves what lies in the files: ours, or what an operator
    /// put there. True: another one than before.
    pub(crate) fn refresh(&self) -> anyhow::Result<bool> {
        // Neither waits for the other to be whole.
        let server = self.refresh_one(&self.server, || self.server.certified());
        let web = self.web.as_ref().map(|web| self.refresh_one(web.shown(), || web.certified(&self.device_ca()?)));
        let (server, web) = (server?, web.transpose()?);
        Ok(server || web == Some(true))
    }

    fn refresh_one(
        &self,
        shown: &Shown,
        certified: impl FnOnce() -> anyhow::Result<CertifiedKey>,
    ) -> anyhow::Result<bool> {
        if shown.read()?.due() {
            self.make(shown, SERVER_DAYS).with_context(|| format!("renew the certificate \"{}\"", shown.label))?;
        }
        Ok(shown.served.put(certified()?))
    }

    /// When the certificates end on which connections rest, each by its name.
    pub(crate) fn ends(&self) -> anyhow::Result<Vec<(&'static str, Timestamp)>> {
        let (mut ends, mut ours) = (vec![("device_ca", end(&self.path("device-ca.pem"))?)], false);
        for shown in self.shown() {
            ends.push((shown.label, end(&shown.certificate)?));
            ours |= shown.read()?.self_made;
        }
        if ours {
            ends.push(("server_ca", end(&self.path("server-ca.pem"))?));
        }
        Ok(ends)
    }

    /// TLS 1.2 and 1.3. A client certificate is optional, since devices may have a secret instead; one that is shown
    /// must be of the device CA.
    pub(crate) fn acceptor(&self) -> anyhow::Result<TlsAcceptor> {
        let mut roots = RootCertStore::empty();
        roots.add(self.device_ca()?)?;
        let verifier = WebPkiClientVerifier::builder(Arc::new(roots)).allow_unauthenticated().build()?;
        self.server.served.put(self.server.certified()?);
        let config =
            ServerConfig::builder().with_client_cert_verifier(verifier).with_cert_resolver(self.server.served.clone());
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// How the portal is reached.
    pub(crate) fn transport(&self) -> anyhow::Result<Transport> {
        match &self.web {
            None => Ok(Transport::Plain),
            Some(web) => Ok(Transport::Tls(web.transport(&self.device_ca()?)?)),
        }
    }
}

/// The first end in a file: a chain holds no longer than its shortest link.
fn end(path: &Path) -> anyhow::Result<Timestamp> {
    let read = || {
        let mut first: Option<Timestamp> = None;
        for pem in Pem::iter_from_buffer(&fs::read(path)?) {
            let end = end_of(&pem?.parse_x509()?);
            first = Some(first.map_or(end, |first| first.min(end)));
        }
        first.context("find a certificate")
    };
    read().with_context(|| format!("read when {} ends", path.display()))
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

/// Of what we make: this host as it is known here, and what else it is called.
fn names_of_this_host<'a>(others: impl Iterator<Item = &'a str>) -> BTreeSet<String> {
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let known = ["localhost", "127.0.0.1", "::1", host.trim()].into_iter().filter(|name| !name.is_empty());
    known.map(written_as).chain(others.map(written_as)).collect()
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
        tls.make(&tls.server, RENEW_DAYS - 1).unwrap();
        ends_in("server", RENEW_DAYS - 3..RENEW_DAYS);
        assert!(tls.refresh().unwrap(), "ours was due");
        ends_in("server", SERVER_DAYS - 2..SERVER_DAYS + 1);

        let served = tls.server.certified().unwrap().cert;
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        valid_for(&mut params, 3);
        let another = params.self_signed(&key).unwrap();
        write(&tls.path("server.pem"), &[another.pem(), another.pem()].concat()).unwrap();
        let half = tls.refresh().unwrap_err();
        assert!(format!("{half:#}").contains("server.pem with "), "{half:#}");
        let shown = || tls.server.served.shown();
        assert_eq!(shown(), served, "half of another one is not served");
        write(&tls.path("server.key"), &key.serialize_pem()).unwrap();
        assert!(tls.refresh().unwrap(), "it is whole");
        assert_eq!(shown(), [another.der().clone(), another.der().clone()]);
        ends_in("server", 2..4);
        assert!(!tls.refresh().unwrap() && shown()[0] == *another.der(), "another's is left alone");
        assert!(tls.ends().unwrap().iter().all(|(name, _)| *name != "server_ca"), "nobody trusts it now");
    }
}
