//! A Key Vault on loopback, with Entra ID and the machine's metadata service beside it, behind a proxy: so clients ask for the
//! real names, by real TLS, and nothing in them knows that this is a test. It keeps all that was said.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

#[path = "base64.rs"]
mod base64;

pub(crate) use base64::base64;
use base64::unbase64;

pub(crate) const HOST: &str = "hospital.vault.azure.net";
const ENTRA: &str = "login.microsoftonline.com";
const RESOURCE: &str = "vault.azure.net";
pub(crate) const TENANT: &str = "11111111-2222-3333-4444-555555555555";
pub(crate) const CLIENT: &str = "66666666-7777-8888-9999-000000000000";
pub(crate) const SECRET: &str = "theclientssecret";
pub(crate) const ASSERTION: &str = "header.claims.signature";
pub(crate) const KEY: &str = "vigil-root";

#[derive(Clone)]
pub(crate) struct VaultServer {
    pub(crate) proxy: SocketAddr,
    /// Who vouches for it, as PEM.
    pub(crate) authority: String,
    state: Arc<Mutex<State>>,
    /// Whether the vault says nothing, and how many wait for it.
    silent: Arc<watch::Sender<bool>>,
    waiting: Arc<watch::Sender<usize>>,
}

#[derive(Default)]
struct State {
    /// By version: the last is the newest.
    keys: BTreeMap<String, PrivateDecryptingKey>,
    /// Answers of the vault to whoever has a token, before it answers as it should.
    instead: Vec<u16>,
    /// The same, and without an end.
    always: Option<u16>,
    /// What is said to whoever asks for a token of an application or a workload.
    of_entra: Option<(u16, Value)>,
    /// `unwrapkey`, say: the identity has no right to it.
    refused: Option<&'static str>,
    /// Whose audience a challenge names.
    resource: String,
    tokens: Vec<String>,
    /// Whether or not they got one.
    asked_for_tokens: usize,
    /// `wrapkey VERSION` and the like, of what was done.
    done: Vec<String>,
    /// Everything that came in or went out, unsealed.
    said: Vec<u8>,
}

struct Request {
    method: String,
    target: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

type Answer = (u16, Vec<(&'static str, String)>, Value);

impl VaultServer {
    /// With a key in one version, `v1`.
    pub(crate) async fn start() -> Self {
        let (authority, acceptor) = certificates();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(Mutex::new(State { resource: format!("https://{RESOURCE}"), ..State::default() }));
        let (silent, waiting) = Default::default();
        let server = Self { proxy: listener.local_addr().unwrap(), authority, state, silent, waiting };
        server.make_key("v1");
        let answering = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, acceptor) = (answering.clone(), acceptor.clone());
                tokio::spawn(async move {
                    // Who goes away in the middle is no matter here.
                    drop(server.accepted(BufReader::new(stream), acceptor).await);
                });
            }
        });
        server
    }

    /// A version, or another key in its place.
    pub(crate) fn make_key(&self, version: &str) {
        let key = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
        self.state.lock().unwrap().keys.insert(version.to_owned(), key);
    }

    pub(crate) fn remove_key(&self, version: &str) {
        self.state.lock().unwrap().keys.remove(version);
    }

    pub(crate) fn answers(&self, instead: &[u16]) {
        self.state.lock().unwrap().instead = instead.to_vec();
    }

    pub(crate) fn always_answers(&self, status: Option<u16>) {
        self.state.lock().unwrap().always = status;
    }

    /// A text is said as it is, as whatever form.
    pub(crate) fn gives_no_token(&self, instead: Option<(u16, Value)>) {
        self.state.lock().unwrap().of_entra = instead;
    }

    /// Takes what is asked, and answers it once this is taken back.
    pub(crate) fn is_silent(&self, silent: bool) {
        self.silent.send_replace(silent);
    }

    pub(crate) fn kept_waiting(&self) -> usize {
        *self.waiting.borrow()
    }

    pub(crate) async fn keeps_somebody_waiting(&self) {
        self.waiting.subscribe().wait_for(|waiting| *waiting > 0).await.unwrap();
    }

    pub(crate) fn refuses(&self, what: &'static str) {
        self.state.lock().unwrap().refused = Some(what);
    }

    pub(crate) fn challenges_for(&self, resource: &str) {
        self.state.lock().unwrap().resource = resource.to_owned();
    }

    pub(crate) fn done(&self) -> Vec<String> {
        self.state.lock().unwrap().done.clone()
    }

    pub(crate) fn asked_for_tokens(&self) -> usize {
        self.state.lock().unwrap().asked_for_tokens
    }

    /// Whether somebody said these bytes to it or heard them from it, as base64 or in hexadecimal.
    pub(crate) fn heard(&self, bytes: &[u8]) -> bool {
        let said = String::from_utf8_lossy(&self.state.lock().unwrap().said).into_owned();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(said.contains("RSA-OAEP-256"), "something was said");
        said.contains(&base64(bytes)) || said.contains(&hex)
    }

    async fn accepted<S>(&self, mut stream: BufReader<S>, acceptor: TlsAcceptor) -> std::io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(first) = request(&mut stream).await? else { return Ok(()) };
        if first.method != "CONNECT" {
            let answer = self.metadata(&first);
            return self.write(&mut stream, answer).await;
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
        let host = first.target.split(':').next().unwrap().to_owned();
        let mut stream = BufReader::new(acceptor.accept(stream).await?);
        while let Some(request) = request(&mut stream).await? {
            self.state.lock().unwrap().said.extend(&request.body);
            if host == HOST && request.headers.contains_key("authorization") && *self.silent.borrow() {
                self.waiting.send_modify(|waiting| *waiting += 1);
                self.silent.subscribe().wait_for(|silent| !silent).await.unwrap();
            }
            let answer = match host.as_str() {
                HOST => self.vault(&request),
                ENTRA => self.entra(&request),
                _ => (502, Vec::new(), json!({})),
            };
            self.write(&mut stream, answer).await?;
        }
        Ok(())
    }

    async fn write(&self, stream: &mut (impl AsyncWrite + Unpin), answer: Answer) -> std::io::Result<()> {
        let (status, headers, body) = answer;
        let body = body.as_str().map_or_else(|| body.to_string(), str::to_owned);
        self.state.lock().unwrap().said.extend(body.as_bytes());
        let headers: String = headers.into_iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n{headers}\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body.as_bytes()].concat()).await?;
        stream.flush().await
    }

    /// The token of a managed identity; only of a machine that says so.
    fn metadata(&self, request: &Request) -> Answer {
        self.state.lock().unwrap().asked_for_tokens += 1;
        let resource = format!("resource=https%3A%2F%2F{RESOURCE}");
        let is_ours = request.target.contains("//169.254.169.254/metadata/identity/oauth2/token?")
            && request.target.contains(&resource)
            && request.headers.get("metadata").is_some_and(|value| value == "true");
        match is_ours && !request.target.contains("client_id=nobody") {
            true => (
                200,
                Vec::new(),
                json!({ "access_token": self.token(), "expires_on": "4102444800", "resource": "", "token_type": "Bearer" }),
            ),
            false => {
                (400, Vec::new(), json!({ "error": "invalid_request", "error_description": "Identity not found" }))
            }
        }
    }

    fn entra(&self, request: &Request) -> Answer {
        self.state.lock().unwrap().asked_for_tokens += 1;
        if let Some((status, said)) = self.state.lock().unwrap().of_entra.clone() {
            return (status, Vec::new(), said);
        }
        let body = String::from_utf8(request.body.clone()).unwrap();
        let form: BTreeMap<&str, &str> = body.split('&').filter_map(|pair| pair.split_once('=')).collect();
        let given = |name: &str, value: &str| form.get(name) == Some(&value);
        let scope = format!("https%3A%2F%2F{RESOURCE}%2F.default");
        let proven = given("client_secret", SECRET) || given("client_assertion", ASSERTION);
        let asked = request.target == format!("/{TENANT}/oauth2/v2.0/token") && given("scope", &scope);
        match asked && proven && given("client_id", CLIENT) {
            true => (
                200,
                Vec::new(),
                json!({ "token_type": "Bearer", "expires_in": 3599, "ext_expires_in": 3599, "access_token": self.token() }),
            ),
            false => {
                let said = "AADSTS7000215: Invalid client secret provided.";
                (
                    401,
                    Vec::new(),
                    json!({ "error": "invalid_client", "error_description": said, "error_codes": [7_000_215] }),
                )
            }
        }
    }

    fn token(&self) -> String {
        let tokens = &mut self.state.lock().unwrap().tokens;
        tokens.push(format!("token-{}", tokens.len()));
        tokens.last().unwrap().clone()
    }

    fn vault(&self, request: &Request) -> Answer {
        let mut state = self.state.lock().unwrap();
        let bearer = request.headers.get("authorization").and_then(|value| value.strip_prefix("Bearer "));
        if !bearer.is_some_and(|token| state.tokens.iter().any(|known| known == token)) {
            assert!(request.body.is_empty(), "nothing is told to a vault that has not said who it is");
            let resource = &state.resource;
            let challenge = format!("Bearer authorization=\"https://{ENTRA}/{TENANT}\", resource=\"{resource}\"");
            return (401, vec![("www-authenticate", challenge)], refusal("Unauthorized"));
        }
        let instead = if state.instead.is_empty() { state.always } else { Some(state.instead.remove(0)) };
        if let Some(status) = instead {
            return (status, Vec::new(), refusal(if status == 403 { "Forbidden" } else { "Trouble" }));
        }
        let path = request.target.split_once("?api-version=").map_or("", |(path, _)| path);
        let parts: Vec<&str> = path.split('/').collect();
        let ["", "keys", KEY, version, what] = parts[..] else {
            return (404, Vec::new(), refusal("KeyNotFound"));
        };
        if state.refused == Some(what) {
            return (403, Vec::new(), refusal("Forbidden"));
        }
        let newest = state.keys.keys().next_back().cloned().unwrap_or_default();
        let version = if version.is_empty() { newest } else { version.to_owned() };
        let Some(key) = state.keys.get(&version) else { return (404, Vec::new(), refusal("KeyNotFound")) };
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["alg"], "RSA-OAEP-256");
        let value = unbase64(body["value"].as_str().unwrap());
        let Some(result) = computed(key, what, &value) else { return (400, Vec::new(), refusal("BadParameter")) };
        state.done.push(format!("{what} {version}"));
        (200, Vec::new(), json!({ "kid": format!("https://{HOST}/keys/{KEY}/{version}"), "value": base64(&result) }))
    }
}

/// By RSA-OAEP-256.
fn computed(key: &PrivateDecryptingKey, what: &str, value: &[u8]) -> Option<Vec<u8>> {
    let mut room = vec![0; key.key_size_bytes()];
    let result = match what {
        "wrapkey" => {
            let public = OaepPublicEncryptingKey::new(key.public_key()).unwrap();
            public.encrypt(&OAEP_SHA256_MGF1SHA256, value, &mut room, None).ok()?.to_vec()
        }
        "unwrapkey" => {
            // Of a copy: the operation takes the key.
            let der = key.as_der().unwrap();
            let private =
                OaepPrivateDecryptingKey::new(PrivateDecryptingKey::from_pkcs8(der.as_ref()).unwrap()).unwrap();
            private.decrypt(&OAEP_SHA256_MGF1SHA256, value, &mut room, None).ok()?.to_vec()
        }
        _ => return None,
    };
    Some(result)
}

fn refusal(code: &str) -> Value {
    json!({ "error": { "code": code, "message": format!("{code}, said the vault") } })
}

/// None: the other side ended.
async fn request(stream: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let mut parts = line.split_whitespace().map(str::to_owned);
    let (method, target) = (parts.next().unwrap(), parts.next().unwrap());
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Request { method, target, headers, body }))
}

fn certificates() -> (String, TlsAcceptor) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(authority, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([HOST.to_owned(), ENTRA.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (pem, TlsAcceptor::from(Arc::new(config)))
}
