//! A client by hand that says anything in either version, and tells the code of each answer.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::mqtt::{packet, text};
use super::vigil::PATIENCE;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Version {
    V311,
    V5,
}

impl Version {
    /// MQTT 5 has properties, none here.
    fn properties(self, body: &mut Vec<u8>) {
        if self == Self::V5 {
            body.push(0);
        }
    }
}

pub struct Login<'a> {
    pub id: &'a str,
    pub secret: &'a str,
    /// The topic of the will.
    pub will: Option<&'a str>,
}

pub struct Client {
    version: Version,
    socket: TcpStream,
}

impl Client {
    /// The CONNACK code where it is refused.
    pub async fn connect(broker: SocketAddr, version: Version, login: Login<'_>) -> Result<Self, u8> {
        let mut body = Vec::new();
        text("MQTT", &mut body);
        let level = if version == Version::V5 { 5 } else { 4 };
        body.extend([level, 0xc2 | if login.will.is_some() { 0x04 } else { 0 }, 0, 120]);
        version.properties(&mut body);
        text(login.id, &mut body);
        if let Some(topic) = login.will {
            version.properties(&mut body);
            text(topic, &mut body);
            text(r#"{"online":false}"#, &mut body);
        }
        text(login.id, &mut body);
        text(login.secret, &mut body);
        let mut client = Self { version, socket: TcpStream::connect(broker).await.unwrap() };
        client.socket.write_all(&packet(0x10, &body)).await.unwrap();
        let connack = client.answer(0x20).await.expect("a CONNACK");
        if connack[1] == 0 { Ok(client) } else { Err(connack[1]) }
    }

    /// The body of the next packet of this kind; None where the server closes instead.
    pub async fn answer(&mut self, kind: u8) -> Option<Vec<u8>> {
        loop {
            let first = timeout(PATIENCE, self.socket.read_u8()).await.expect("an answer in time").ok()?;
            let (mut length, mut shift) = (0, 0);
            loop {
                let byte = self.socket.read_u8().await.ok()?;
                length |= usize::from(byte & 0x7f) << shift;
                shift += 7;
                if byte & 0x80 == 0 {
                    break;
                }
            }
            let mut body = vec![0; length];
            self.socket.read_exact(&mut body).await.ok()?;
            if first & 0xf0 == kind {
                return Some(body);
            }
        }
    }

    /// QoS 1. The code of the PUBACK; None where the server closes: 3.1.1 has no other word for a refusal.
    pub async fn publish(&mut self, topic: &str, payload: &str) -> Option<u8> {
        let mut body = Vec::new();
        text(topic, &mut body);
        body.extend([0, 7]);
        self.version.properties(&mut body);
        body.extend_from_slice(payload.as_bytes());
        self.socket.write_all(&packet(0x32, &body)).await.unwrap();
        let puback = self.answer(0x40).await?;
        assert_eq!(puback[..2], [0, 7]);
        Some(puback.get(2).copied().unwrap_or(0))
    }

    /// The code of the SUBACK: the granted QoS, or a refusal.
    pub async fn subscribe(&mut self, filter: &str) -> u8 {
        let mut body = vec![0, 9];
        self.version.properties(&mut body);
        text(filter, &mut body);
        body.push(1);
        self.socket.write_all(&packet(0x82, &body)).await.unwrap();
        *self.answer(0x90).await.expect("a SUBACK").last().unwrap()
    }
}
