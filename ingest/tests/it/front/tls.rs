use std::ops::Range;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use store::roster::CredentialKind;
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use vitals::DeviceKind;

use super::client::{Client, Connect, V4, V5};
use super::ground::{Ground, SECRET, enrol_bare, sha256};

pub(super) type Pair = (CertificateDer<'static>, PrivateKeyDer<'static>);

pub(super) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "devices");
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    pub(super) fn issue(&self, common_name: &str) -> Pair {
        self.issue_for(common_name, 2000..3000)
    }

    /// Valid from the beginning of one year to the beginning of another.
    pub(super) fn issue_for(&self, common_name: &str, years: Range<i32>) -> Pair {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    fn roots(&self) -> Arc<RootCertStore> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).unwrap();
        Arc::new(roots)
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let verifier = WebPkiClientVerifier::builder_with_provider(self.roots(), provider.clone())
            .allow_unauthenticated()
            .build()
            .unwrap();
        let (certificate, key) = self.issue("localhost");
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![certificate], key)
            .unwrap();
        TlsAcceptor::from(Arc::new(config))
    }

    pub(super) async fn dial(&self, ground: &Ground, version: u8, own: Option<Pair>) -> Client {
        self.try_dial(ground, version, own).await.expect("the handshake succeeds")
    }

    /// None: the handshake failed on this side of it.
    pub(super) async fn try_dial(&self, ground: &Ground, version: u8, own: Option<Pair>) -> Option<Client> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(self.roots());
        let config = match own {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder.with_client_auth_cert(vec![certificate], key).unwrap(),
        };
        let stream = TcpStream::connect(ground.tls_address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
        Some(Client::over(stream, version))
    }
}

#[tokio::test]
async fn a_certificate_or_a_secret_admits_over_tls() {
    let authority = Authority::new();
    let ground = Ground::start_with(|_| {}, Some(authority.acceptor())).await;
    let key = enrol_bare(&ground.database, "certified", DeviceKind::Device, None).await;
    let own = authority.issue("certified");
    let client = ground.database.pool().get().await.unwrap();
    store::roster::add_credential(&client, key, CredentialKind::Certificate, &sha256(&own.0), None).await.unwrap();
    for (version, not_authorised) in [(V4, 5), (V5, 0x87)] {
        let mine = || Some((own.0.clone(), own.1.clone_key()));
        let bare = |client_id| Connect { login: None, ..Connect::new(version, client_id, "") };
        let mut device = authority.dial(&ground, version, mine()).await;
        assert_eq!(device.connect(&bare("certified")).await, Some(0));
        device.publish("vigil/v1/certified/vitals", br#"{"hr":72}"#, 1).await;
        assert_eq!(device.puback().await, (1, 0));
        let mut thief = authority.dial(&ground, version, mine()).await;
        assert_eq!(thief.connect(&bare("bed-01")).await, Some(not_authorised), "another's name");
        let reissued = authority.issue("certified");
        let mut unknown = authority.dial(&ground, version, Some(reissued)).await;
        assert_eq!(unknown.connect(&bare("certified")).await, Some(not_authorised), "a certificate nobody enrolled");
        let mut nobody = authority.dial(&ground, version, None).await;
        assert_eq!(nobody.connect(&bare("certified")).await, Some(not_authorised));
        let mut bed = authority.dial(&ground, version, None).await;
        assert_eq!(bed.connect(&Connect::new(version, "bed-01", SECRET)).await, Some(0));
        bed.ping().await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_handshake_that_never_ends_stops_nobody() {
    let authority = Authority::new();
    let ground = Ground::start_with(|_| {}, Some(authority.acceptor())).await;
    let _silent = TcpStream::connect(ground.tls_address).await.unwrap();
    let mut bed = authority.dial(&ground, V5, None).await;
    assert_eq!(bed.connect(&Connect::new(V5, "bed-01", SECRET)).await, Some(0));
    ground.stopped().await;
}
