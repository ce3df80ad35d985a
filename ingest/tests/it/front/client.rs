//! A client that writes bytes: what a library would refuse to send can be sent, and every byte that comes back is seen.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Longest wait for a packet that must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) const V4: u8 = 4;
pub(super) const V5: u8 = 5;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(super) struct Client {
    stream: Box<dyn Stream>,
    pub(super) version: u8,
}

pub(super) struct Connect<'a> {
    pub(super) version: u8,
    pub(super) client_id: &'a str,
    pub(super) login: Option<(&'a str, &'a str)>,
    pub(super) keep_alive_s: u16,
    pub(super) will: Option<(&'a str, &'a [u8])>,
}

impl<'a> Connect<'a> {
    pub(super) fn new(version: u8, client_id: &'a str, secret: &'a str) -> Self {
        Self { version, client_id, login: Some((client_id, secret)), keep_alive_s: 60, will: None }
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut flags = 2;
        let mut payload = string(self.client_id.as_bytes());
        if let Some((topic, message)) = self.will {
            // QoS 1, retained.
            flags |= 0x04 | 0x08 | 0x20;
            payload.extend(vec![0; usize::from(self.version == V5)]);
            payload.extend(string(topic.as_bytes()));
            payload.extend(string(message));
        }
        if let Some((user, password)) = self.login {
            flags |= 0xC0;
            payload.extend(string(user.as_bytes()));
            payload.extend(string(password.as_bytes()));
        }
        let mut body = b"\x00\x04MQTT".to_vec();
        body.extend([self.version, flags]);
        body.extend(self.keep_alive_s.to_be_bytes());
        body.extend(vec![0; usize::from(self.version >= V5)]);
        body.extend(payload);
        packet(0x10, &body)
    }
}

pub(super) fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u16).to_be_bytes()[..], bytes].concat()
}

pub(super) fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut length = body.len();
    loop {
        let more = length >= 128;
        packet.push((length % 128) as u8 | if more { 0x80 } else { 0 });
        length /= 128;
        if !more {
            break;
        }
    }
    packet.extend(body);
    packet
}

/// `pkid` 0 is QoS 0.
pub(super) fn publish(version: u8, topic: &str, payload: &[u8], pkid: u16) -> Vec<u8> {
    let mut body = string(topic.as_bytes());
    if pkid > 0 {
        body.extend(pkid.to_be_bytes());
    }
    body.extend(vec![0; usize::from(version == V5)]);
    body.extend(payload);
    packet(if pkid > 0 { 0x32 } else { 0x30 }, &body)
}

pub(super) fn subscribe(version: u8, pkid: u16, filters: &[(&str, u8)]) -> Vec<u8> {
    let mut body = pkid.to_be_bytes().to_vec();
    body.extend(vec![0; usize::from(version == V5)]);
    for (filter, qos) in filters {
        body.extend(string(filter.as_bytes()));
        body.push(*qos);
    }
    packet(0x82, &body)
}

/// A PUBLISH that came: QoS, retain, identifier, topic, payload.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Received {
    pub(super) qos: u8,
    pub(super) retain: bool,
    pub(super) pkid: u16,
    pub(super) topic: String,
    pub(super) payload: Vec<u8>,
}

impl Client {
    pub(super) fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, version: u8) -> Self {
        Self { stream: Box::new(stream), version }
    }

    pub(super) async fn dial(address: std::net::SocketAddr, version: u8) -> Self {
        Self::over(TcpStream::connect(address).await.expect("the listener accepts"), version)
    }

    pub(super) fn split(self) -> (impl AsyncRead + Unpin, impl AsyncWrite + Unpin + Send + 'static) {
        tokio::io::split(self.stream)
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the server reads");
    }

    /// What the server may have closed already.
    pub(super) async fn try_send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.ok();
    }

    /// Says goodbye to the socket alone, and waits until the server has done so too: who comes next takes nothing over.
    pub(super) async fn hang_up(mut self) {
        self.stream.shutdown().await.ok();
        let end = async { while self.stream.read_u8().await.is_ok() {} };
        timeout(PATIENCE, end).await.expect("the end within the test's patience");
    }

    /// The first byte and the body of the next packet; None: the server closed.
    pub(super) async fn packet(&mut self) -> Option<(u8, Vec<u8>)> {
        timeout(PATIENCE, self.read_packet()).await.expect("a packet or the end within the test's patience")
    }

    async fn read_packet(&mut self) -> Option<(u8, Vec<u8>)> {
        let first = self.stream.read_u8().await.ok()?;
        let (mut length, mut shift) = (0, 0);
        loop {
            let byte = self.stream.read_u8().await.ok()?;
            length |= usize::from(byte & 0x7f) << shift;
            shift += 7;
            if byte & 0x80 == 0 {
                break;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await.ok()?;
        Some((first, body))
    }

    /// Sends CONNECT and answers the CONNACK's code; None: closed without one.
    pub(super) async fn connect(&mut self, connect: &Connect<'_>) -> Option<u8> {
        self.send(&connect.bytes()).await;
        let (first, body) = self.packet().await?;
        assert_eq!((first, body[0]), (0x20, 0), "CONNACK, session_present 0");
        Some(body[1])
    }

    pub(super) async fn publish(&mut self, topic: &str, payload: &[u8], pkid: u16) {
        let packet = publish(self.version, topic, payload, pkid);
        self.send(&packet).await;
    }

    /// (identifier, code) of the PUBACK that must come next.
    pub(super) async fn puback(&mut self) -> (u16, u8) {
        let (first, body) = self.packet().await.expect("a PUBACK");
        assert_eq!(first, 0x40, "{body:?}");
        (u16::from_be_bytes([body[0], body[1]]), body.get(2).copied().unwrap_or(0))
    }

    /// The codes of the SUBACK or UNSUBACK.
    pub(super) async fn subscribe(&mut self, filters: &[(&str, u8)]) -> Vec<u8> {
        let packet = subscribe(self.version, 7, filters);
        self.send(&packet).await;
        let (first, body) = self.packet().await.expect("a SUBACK");
        assert_eq!((first, &body[..2]), (0x90, &[0, 7][..]));
        body[if self.version == V5 { 3 } else { 2 }..].to_vec()
    }

    pub(super) async fn received(&mut self) -> Received {
        let (first, body) = self.packet().await.expect("a PUBLISH");
        assert_eq!(first >> 4, 3, "{first:#x} {body:?}");
        let qos = (first >> 1) & 3;
        let end = 2 + usize::from(u16::from_be_bytes([body[0], body[1]]));
        let topic = String::from_utf8(body[2..end].to_vec()).expect("ASCII");
        let pkid = if qos > 0 { u16::from_be_bytes([body[end], body[end + 1]]) } else { 0 };
        let start = end + if qos > 0 { 2 } else { 0 } + usize::from(self.version == V5);
        Received { qos, retain: first & 1 == 1, pkid, topic, payload: body[start..].to_vec() }
    }

    /// The code of the DISCONNECT that MQTT 5 gets before the end; None for a silent end.
    pub(super) async fn ended(&mut self) -> Option<u8> {
        match self.packet().await {
            None => None,
            Some((first, body)) => {
                assert_eq!(first, 0xE0, "DISCONNECT or the end, not {body:?}");
                assert_eq!(self.packet().await, None, "nothing after DISCONNECT");
                Some(body[0])
            }
        }
    }

    /// Whether nothing comes for this long.
    pub(super) async fn hears_nothing(&mut self, patience: Duration) -> bool {
        timeout(patience, self.stream.read_u8()).await.is_err()
    }

    /// Writes what the server never answers in time to; false: the server cut the connection.
    pub(super) async fn floods(&mut self, bytes: &[u8]) -> bool {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("cut or taken, never held").is_ok()
    }

    /// A round trip: everything sent before has been taken.
    pub(super) async fn ping(&mut self) {
        self.send(&[0xC0, 0]).await;
        assert_eq!(self.packet().await, Some((0xD0, Vec::new())));
    }
}
