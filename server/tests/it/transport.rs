//! How the portal and the page of metrics are reached: certificates, hosts, tokens, and what is refused before a port is bound.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use store::testing::{Person, database};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use vitals::{Clock, Realm};

use super::vigil::{Site, Vigil, count, eventually};

/// EX_USAGE.
const WRONG: Option<i32> = Some(64);
const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Whoever trusts only the certificates in this file.
fn trusting(file: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    for root in CertificateDer::pem_file_iter(file).unwrap() {
        roots.add(root.unwrap()).unwrap();
    }
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    TlsConnector::from(Arc::new(client))
}

async fn connect(trust: &TlsConnector, address: SocketAddr, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
    let here = SocketAddr::from(([127, 0, 0, 1], address.port()));
    trust.connect(name.to_owned().try_into().unwrap(), TcpStream::connect(here).await?).await
}

/// The head in lower case, and the body.
async fn get(trust: &TlsConnector, address: SocketAddr, path: &str, host: &str, rest: &str) -> (String, String) {
    let mut stream = connect(trust, address, "localhost").await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{rest}\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

/// An authority of the hospital's, and what it signs.
struct Authority {
    key: KeyPair,
    params: CertificateParams,
}

impl Authority {
    fn new(site: &Site) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        fs::write(site.path("authority.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        Self { key, params }
    }

    /// Puts a certificate for these names, and its key, where the configuration names them.
    fn signs(&self, site: &Site, names: &[&str]) {
        put(site, names, &Issuer::from_params(&self.params, &self.key));
    }
}

fn put(site: &Site, names: &[&str], issuer: &Issuer<'_, impl rcgen::SigningKey>) {
    let key = KeyPair::generate().unwrap();
    let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let made = params.signed_by(&key, issuer).unwrap();
    fs::write(site.path("web.key"), key.serialize_pem()).unwrap();
    fs::write(site.path("web.pem"), made.pem()).unwrap();
}

fn configured(site: &Site) -> String {
    let (certificate, key) = (site.path("web.pem"), site.path("web.key"));
    format!("[http.tls]\ncertificate = {certificate:?}\nkey = {key:?}\n")
}

/// On every address of this machine.
fn beyond(site: &Site, config: &str) -> Vigil {
    let file = site.path("vigil.toml");
    fs::write(&file, format!("{config}\n[system]\ndisk_low_percent = 0\n")).unwrap();
    let mut command = site.command();
    command.env("VIGIL_HTTP_LISTEN", "0.0.0.0:0").arg("--config").arg(file);
    Vigil::start(command).of(site)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_certificate_the_portal_leaves_this_machine_and_shows_the_next_one_without_a_restart() {
    let db = database().await;
    let site = Site::of(&db).await;
    let authority = Authority::new(&site);
    authority.signs(&site, &["localhost", "vigil.ward.example", "*.wards.example"]);
    let vigil = beyond(&site, &configured(&site));
    let trust = trusting(&site.path("authority.pem"));
    let ask = async |host: &str| get(&trust, vigil.portal, "/api/transport", host, "").await;
    for host in ["vigil.ward.example", "vigil.ward.example:443", "a.wards.example", "localhost", "127.0.0.1:8443"] {
        let (head, body) = ask(host).await;
        assert!(head.starts_with("http/1.1 200") && body.contains("\"configured\""), "{host}: {head}");
        assert!(head.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), "{head}");
    }
    for host in ["evil.example", "wards.example", "192.0.2.7"] {
        assert!(ask(host).await.1.contains("foreign_host"), "{host}");
    }
    let nurse = site.nurse().cookie();
    let mut handshake = "wss://vigil.ward.example/live".into_client_request().unwrap();
    handshake.headers_mut().insert("cookie", format!("__Host-{nurse}").parse().unwrap());
    handshake.headers_mut().insert("origin", "https://vigil.ward.example".parse().unwrap());
    let stream = connect(&trust, vigil.portal, "vigil.ward.example").await.unwrap();
    tokio_tungstenite::client_async(handshake, stream).await.expect("a screen over wss");

    authority.signs(&site, &["localhost", "next.example"]);
    eventually("the next certificate", async || connect(&trust, vigil.portal, "next.example").await.is_ok()).await;
    assert!(ask("next.example").await.0.starts_with("http/1.1 200"), "it answers to its names");
    assert!(ask("vigil.ward.example").await.1.contains("foreign_host"), "and no longer to those of the one before");
    assert_eq!(vigil.stop(), Some(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_made_certificate_is_said_to_be_one_and_has_another_root_than_devices() {
    let db = database().await;
    let site = Site::of(&db).await;
    let vigil =
        beyond(&site, "[http]\nhosts = [\"vigil.ward.example\", \"192.0.2.7\"]\ntls.self_made = \"accepted\"\n");
    let (ours, devices) = (trusting(&site.ca()), trusting(&site.path("tls/device-ca.pem")));
    for name in ["localhost", "127.0.0.1", "vigil.ward.example", "192.0.2.7"] {
        connect(&ours, vigil.portal, name).await.unwrap();
        let refused = connect(&devices, vigil.portal, name).await.unwrap_err().to_string();
        assert!(refused.contains("UnknownIssuer") || refused.contains("BadSignature"), "{name}: {refused}");
    }
    assert_ne!(fs::read(site.ca()).unwrap(), fs::read(site.path("tls/device-ca.pem")).unwrap());
    for host in ["vigil.ward.example", "192.0.2.7:8443", "localhost"] {
        let (head, body) = get(&ours, vigil.portal, "/api/transport", host, "").await;
        assert!(head.starts_with("http/1.1 200") && body.contains("\"self_made\""), "{host}: {head} {body}");
        assert!(!head.contains("strict-transport-security"), "{head}");
    }
    let (head, body) = get(&ours, vigil.portal, "/", "vigil.evil.example", "").await;
    assert!(head.starts_with("http/1.1 403") && body.contains("foreign_host"), "{head}");
    let foreign = "Origin: https://vigil.evil.example\r\n";
    assert!(get(&ours, vigil.portal, "/live", "localhost", foreign).await.1.contains("foreign_origin"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_is_not_fit_is_refused_and_one_of_the_device_ca_too() {
    let db = database().await;
    let site = Site::of(&db).await;
    site.run(&["migrate"]);
    site.run(&["check"]);
    let file = site.path("vigil.toml");
    fs::write(&file, configured(&site)).unwrap();
    let refuses = |why: &str| {
        for command in ["check", "all"] {
            let (code, said) = site.refused(&["--config", file.to_str().unwrap(), command]);
            assert!(code == WRONG && said.contains(why), "{command}: {said}");
        }
    };
    refuses("the certificate of `http.tls` is not fit: read ");
    let authority = Authority::new(&site);
    authority.signs(&site, &["localhost"]);
    fs::write(site.path("web.key"), KeyPair::generate().unwrap().serialize_pem()).unwrap();
    refuses("with ");
    let read = |name: &str| fs::read_to_string(site.path(name)).unwrap();
    let key = KeyPair::from_pem(&read("tls/device-ca.key")).unwrap();
    put(&site, &["localhost"], &Issuer::from_ca_cert_pem(&read("tls/device-ca.pem"), key).unwrap());
    refuses("is of the device CA");
    authority.signs(&site, &["localhost"]);
    let told = site.run(&["--config", file.to_str().unwrap(), "check"]);
    assert!(told.contains("the portal's certificate ends at ") && told.ends_with("fit to start\n"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_metrics_is_needed_beyond_this_machine_and_is_nobody_elses_to_read() {
    let db = database().await;
    let site = Site::of(&db).await;
    let token = site.path("metrics.token");
    let give = |text: &str, mode| {
        fs::write(&token, text).unwrap();
        fs::set_permissions(&token, fs::Permissions::from_mode(mode)).unwrap();
    };
    let config = format!(
        "[http]\ntls.self_made = \"accepted\"\n[metrics]\nlisten = \"0.0.0.0:0\"\ntoken_file = {token:?}\n[system]\ndisk_low_percent = 0\n"
    );
    let file = site.path("vigil.toml");
    fs::write(&file, config).unwrap();
    let command = || {
        let mut command = site.command();
        command.env_remove("VIGIL_METRICS_LISTEN").arg("--config").arg(&file);
        command
    };
    for (text, mode, why) in [
        (TOKEN, 0o640, "is open to others than its owner"),
        (TOKEN, 0o604, "is open to others than its owner"),
        ("short", 0o600, "holds no token"),
        ("0123456789abcdef 0123456789abcdef", 0o600, "holds no token"),
    ] {
        give(text, mode);
        let refused = command().arg("check").output().unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == WRONG && said.contains(why), "{said}");
        assert!(!said.contains(text), "{said}");
    }
    fs::remove_file(&token).unwrap();
    assert_eq!(command().arg("check").output().unwrap().status.code(), WRONG);
    give(&format!("{TOKEN}\n"), 0o600);
    let vigil = Vigil::start(command());
    let trust = trusting(&site.ca());
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let (head, body) = get(&trust, vigil.metrics, "/metrics", "prometheus.sees.this", &bearer).await;
    assert!(head.starts_with("http/1.1 200") && body.contains("vigil_"), "{head}");
    for wrong in ["", "Authorization: Bearer 0123456789abcdef0123456789abcdeF\r\n"] {
        let (head, body) = get(&trust, vigil.metrics, "/metrics", "localhost", wrong).await;
        assert!(head.starts_with("http/1.1 401") && !body.contains("vigil_"), "{head}");
    }
    assert!(get(&trust, vigil.portal, "/metrics", "localhost", &bearer).await.0.starts_with("http/1.1 404"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_realm_is_refused_until_it_can_be_brought_back() {
    let db = database().await;
    let site = Site::of(&db).await;
    site.run(&["migrate"]);
    let (code, said) = site.refused(&["device", "enrol", "bed-1", "--realm", "live"]);
    assert!(code == WRONG && said.contains("until there are backup and restore"), "{said}");
    assert_eq!(count(&db, "SELECT count(*) FROM devices").await, 0);
    site.enrol("bed-1", &[]);
    assert_eq!(count(&db, "SELECT count(*) FROM devices WHERE realm = 'demo'").await, 1);
    site.run(&["check"]);
    let superuser = db.pool().get().await.unwrap();
    Person::in_realm(&superuser, Realm::Live, "nurse", Clock::system().now()).await.unwrap();
    for command in ["check", "all"] {
        let (code, said) = site.refused(&[command]);
        assert!(code == WRONG && said.contains("until there are backup and restore"), "{command}: {said}");
    }
}
