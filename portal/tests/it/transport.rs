//! TLS as a browser meets it, and metrics as a monitor does.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use portal::{BearerToken, Certificate, Error, Scrape, Tls, Transport};
use rcgen::{CertificateParams, KeyPair};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_util::sync::CancellationToken;

use crate::identity::staff::{PASSWORD, first_administrator};
use crate::site::Site;

/// What a portal is given, and who trusts it.
fn tls(certificate: Certificate) -> (Transport, TlsConnector) {
    let key = KeyPair::generate().unwrap();
    let made = CertificateParams::new(vec!["vigil.example".to_owned()]).unwrap().self_signed(&key).unwrap();
    let mut server = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.der().clone()], key.serialize_der().try_into().unwrap())
        .unwrap();
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    let mut roots = RootCertStore::empty();
    roots.add(made.der().clone()).unwrap();
    let mut client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let hosts: portal::Hosts = Arc::new(|host| host == "vigil.example");
    (Transport::Tls(Tls { acceptor, certificate, hosts }), TlsConnector::from(Arc::new(client)))
}

async fn connect(connector: &TlsConnector, address: SocketAddr) -> TlsStream<TcpStream> {
    let stream = TcpStream::connect(address).await.unwrap();
    connector.connect("vigil.example".try_into().unwrap(), stream).await.unwrap()
}

/// The head in lower case, and the body, of the answer to this request line and headers.
async fn ask(mut stream: impl AsyncReadExt + AsyncWriteExt + Unpin, head: &str, body: &str) -> (String, String) {
    let length = if body.is_empty() {
        String::new()
    } else {
        format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len())
    };
    let request = format!("{head}\r\nConnection: close\r\n{length}\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), body.to_owned())
}

#[tokio::test]
async fn a_browser_over_tls_gets_what_its_certificate_warrants() {
    let mut site = Site::open().await;
    let anna = first_administrator(&site).await;
    for (certificate, word, strict) in
        [(Certificate::Configured, "configured", true), (Certificate::SelfMade, "self_made", false)]
    {
        let (transport, connector) = tls(certificate);
        let other = site.another_over(transport).await;
        let connected = async || connect(&connector, other.address).await;
        let stream = connected().await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        let (head, body) = ask(stream, "GET /api/transport HTTP/1.1\r\nHost: vigil.example", "").await;
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), json!({"transport": word}));
        assert_eq!(head.contains("\r\nstrict-transport-security: max-age=31536000\r\n"), strict, "{head}");
        assert_eq!(head.contains("strict-transport-security"), strict, "{head}");

        let body = json!({"login": anna.login, "password": PASSWORD}).to_string();
        let post = "POST /api/session HTTP/1.1\r\nHost: vigil.example\r\nOrigin: https://vigil.example";
        let (head, _) = ask(connected().await, post, &body).await;
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert!(head.contains("\r\nset-cookie: __host-vigil="), "{head}");
        assert!(head.contains("; path=/; httponly; samesite=strict; secure"), "{head}");

        for (line, code) in [
            ("GET /api/transport HTTP/1.1\r\nHost: localhost", "foreign_host"),
            ("GET / HTTP/1.1\r\nHost: vigil.example.evil.example", "foreign_host"),
            ("GET /live HTTP/1.1\r\nHost: vigil.example\r\nOrigin: http://vigil.example", "foreign_origin"),
            ("POST /api/session HTTP/1.1\r\nHost: vigil.example\r\nOrigin: https://evil.example", "foreign_origin"),
            ("DELETE /api/session HTTP/1.1\r\nHost: vigil.example\r\nSec-Fetch-Site: same-site", "foreign_origin"),
        ] {
            let (head, body) = ask(connected().await, line, "").await;
            assert!(head.starts_with("http/1.1 403") && body.contains(code), "{line}: {body}");
            assert_eq!(head.contains("strict-transport-security"), strict, "{head}");
        }
        other.close().await;
    }
    let plain = site.get("/api/transport").await;
    assert!(!plain.headers().contains_key("strict-transport-security"));
    assert_eq!(plain.json::<Value>().await.unwrap(), json!({"transport": "plain"}));
    site.close().await;
}

#[tokio::test]
async fn every_answer_is_dressed_against_other_sites() {
    let site = Site::open().await;
    for path in ["/", "/healthz", "/readyz", "/api/devices", "/api/nothing", "/metrics", "/openapi.json", "/live"] {
        let answer = site.get(path).await;
        let is = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap();
        let policy = is("content-security-policy");
        for part in ["default-src 'none'", "script-src 'self';", "connect-src 'self';", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert_eq!(is("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(is("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(is("cross-origin-opener-policy"), "same-origin", "{path}");
        assert_eq!(is("cross-origin-resource-policy"), "same-origin", "{path}");
        assert!(is("permissions-policy").contains("camera=()"), "{path}");
    }
}

#[tokio::test]
async fn a_screen_watches_over_wss() {
    let site = Site::open().await;
    let (transport, connector) = tls(Certificate::Configured);
    let other = site.another_over(transport).await;
    let handshake = |origin: &'static str, cookie: String| {
        let mut handshake = "wss://vigil.example/live".into_client_request().unwrap();
        handshake.headers_mut().insert("origin", origin.parse().unwrap());
        handshake.headers_mut().insert("cookie", cookie.parse().unwrap());
        handshake
    };
    let cookie = site.nurse.cookie();
    let stream = connect(&connector, other.address).await;
    let refused =
        tokio_tungstenite::client_async(handshake("https://evil.example", format!("__Host-{cookie}")), stream);
    assert!(refused.await.unwrap_err().to_string().contains("403"), "a page of another site");
    let stream = connect(&connector, other.address).await;
    let refused = tokio_tungstenite::client_async(handshake("https://vigil.example", cookie.clone()), stream);
    assert!(refused.await.unwrap_err().to_string().contains("401"), "the cookie of plain HTTP is none here");

    let stream = connect(&connector, other.address).await;
    let ours = handshake("https://vigil.example", format!("__Host-{cookie}"));
    let (mut screen, _) = tokio_tungstenite::client_async(ours, stream).await.unwrap();
    screen.send(Message::text(r#"{"type":"watch","devices":null}"#)).await.unwrap();
    let mut seen = Vec::new();
    while !seen.contains(&"snapshot".to_owned()) {
        let Message::Text(text) = screen.next().await.unwrap().unwrap() else { continue };
        let message: Value = serde_json::from_str(&text).unwrap();
        seen.push(message["type"].as_str().unwrap().to_owned());
    }
    assert!(seen.contains(&"hello".to_owned()) && seen.contains(&"roster".to_owned()), "{seen:?}");
}

#[tokio::test]
async fn who_speaks_no_tls_or_says_nothing_is_sent_away() {
    let site = Site::open().await;
    let (transport, connector) = tls(Certificate::Configured);
    let other = site.another_over(transport).await;
    let silent = TcpStream::connect(other.address).await.unwrap();
    let silent_in_the_clear = TcpStream::connect(site.address).await.unwrap();
    let mut plain = TcpStream::connect(other.address).await.unwrap();
    plain.write_all(b"GET /healthz HTTP/1.1\r\nHost: vigil.example\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    drop(plain.read_to_end(&mut answer).await);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let (says_nothing_then, _) = connect(&connector, other.address).await.into_inner();
    for (who, mut waits) in
        [("no TLS", silent), ("no request", says_nothing_then), ("no request in the clear", silent_in_the_clear)]
    {
        let end = waits.read_to_end(&mut answer);
        // Ends when the server closes: it has five seconds of patience, then ten.
        drop(timeout(Duration::from_secs(60), end).await.unwrap_or_else(|_| panic!("{who}: it is still open")));
    }
}

#[tokio::test]
async fn metrics_are_for_this_machine_or_for_whoever_has_the_token() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let scrape = |token: Option<&str>, tls: Option<TlsAcceptor>| Scrape {
        render: Arc::new(|| "vigil_up 1\n".to_owned()),
        token: token.map(BearerToken::new),
        tls,
    };
    let Transport::Tls(Tls { acceptor, .. }) = tls(Certificate::SelfMade).0 else { panic!("it is TLS") };
    for scrape in [scrape(None, None), scrape(Some(TOKEN), None), scrape(None, Some(acceptor))] {
        let everywhere = TcpListener::bind("0.0.0.0:0").await.unwrap();
        let refused = portal::serve_metrics(everywhere, scrape, CancellationToken::new()).await;
        assert!(matches!(refused, Err(Error::NotLoopback(_))));
    }
    for token in [None, Some(TOKEN)] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, stop) = (listener.local_addr().unwrap(), CancellationToken::new());
        let serving = tokio::spawn(portal::serve_metrics(listener, scrape(token, None), stop.clone()));
        let get = async |path: &str, rest: &str| {
            let stream = TcpStream::connect(address).await.unwrap();
            ask(stream, &format!("GET {path} HTTP/1.1\r\nHost: {rest}"), "").await
        };
        let given = format!("{address}\r\nAuthorization: Bearer {TOKEN}");
        let (head, body) = get("/metrics", &given).await;
        assert!(head.starts_with("http/1.1 200") && body == "vigil_up 1\n", "{head} {body}");
        let (head, body) = get("/metrics", &address.to_string()).await;
        assert_eq!(head.starts_with("http/1.1 200"), token.is_none(), "{head}");
        assert_eq!(head.contains("\r\nwww-authenticate: bearer\r\n"), token.is_some(), "{head}");
        assert_eq!(body.contains("wrong_token"), token.is_some(), "{body}");
        let (head, body) = get("/metrics", &given.replace("127.0.0.1", "rebound.example")).await;
        assert!(head.starts_with("http/1.1 403") && body.contains("foreign_host"), "{head}");
        assert!(get("/healthz", &given).await.0.starts_with("http/1.1 404"), "nothing else is here");
        stop.cancel();
        serving.await.unwrap().unwrap();
    }
}
