//! A client small enough to be certain of: MQTT 3.1.1 by hand.

use std::collections::VecDeque;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::vigil::PATIENCE;

pub struct Device {
    id: String,
    socket: TcpStream,
    next: u16,
    unacknowledged: VecDeque<u16>,
}

pub fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

pub fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    let mut length = body.len();
    loop {
        let byte = (length % 128) as u8;
        length /= 128;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(body);
    out
}

fn connect(version: u8, id: &str, secret: &str) -> Vec<u8> {
    let mut body = Vec::new();
    text("MQTT", &mut body);
    body.extend_from_slice(&[version, 0xc2, 0, 120]);
    if version == 5 {
        // No properties.
        body.push(0);
    }
    for field in [id, id, secret] {
        text(field, &mut body);
    }
    packet(0x10, &body)
}

/// The code that answers a CONNECT of this version of the protocol (4 is 3.1.1).
pub async fn connack(socket: &mut (impl AsyncRead + AsyncWrite + Unpin), version: u8, id: &str, secret: &str) -> u8 {
    socket.write_all(&connect(version, id, secret)).await.unwrap();
    let mut head = [0; 2];
    timeout(PATIENCE, socket.read_exact(&mut head)).await.expect("a CONNACK in time").unwrap();
    assert_eq!(head[0], 0x20);
    let mut rest = vec![0; usize::from(head[1])];
    socket.read_exact(&mut rest).await.unwrap();
    rest[1]
}

/// Admitted with MQTT 5.
pub async fn connect_v5(broker: SocketAddr, id: &str, secret: &str) -> TcpStream {
    let mut socket = TcpStream::connect(broker).await.unwrap();
    assert_eq!(connack(&mut socket, 5, id, secret).await, 0, "admitted");
    socket
}

/// Connects with MQTT 5 and says nothing more; answers what the server says until it closes.
pub async fn listen_v5(broker: SocketAddr, id: &str, secret: &str) -> tokio::task::JoinHandle<Vec<u8>> {
    let mut socket = connect_v5(broker, id, secret).await;
    tokio::spawn(async move {
        let mut said = Vec::new();
        socket.read_to_end(&mut said).await.unwrap();
        said
    })
}

/// Publishes with MQTT 5 at QoS 1; answers the reason code of its PUBACK.
pub async fn publish_v5(socket: &mut TcpStream, topic: &str, payload: &str) -> u8 {
    let mut body = Vec::new();
    text(topic, &mut body);
    body.extend_from_slice(&[0, 1, 0]);
    body.extend_from_slice(payload.as_bytes());
    socket.write_all(&packet(0x32, &body)).await.unwrap();
    let mut head = [0; 4];
    timeout(PATIENCE, socket.read_exact(&mut head)).await.expect("a PUBACK in time").unwrap();
    assert_eq!((head[0], &head[2..]), (0x40, &[0, 1][..]));
    let mut reason = vec![0; usize::from(head[1]) - 2];
    socket.read_exact(&mut reason).await.unwrap();
    reason.first().copied().unwrap_or(0)
}

impl Device {
    pub async fn connect(broker: SocketAddr, id: &str, secret: &str) -> Self {
        Self::try_connect(broker, id, secret).await.unwrap_or_else(|code| panic!("{id} refused with {code}"))
    }

    /// The CONNACK code where it is refused, 255 where there is no answer.
    pub async fn try_connect(broker: SocketAddr, id: &str, secret: &str) -> Result<Self, u8> {
        let mut socket = TcpStream::connect(broker).await.map_err(|_| 255)?;
        socket.set_nodelay(true).unwrap();
        socket.write_all(&connect(4, id, secret)).await.map_err(|_| 255)?;
        let mut connack = [0; 4];
        timeout(PATIENCE, socket.read_exact(&mut connack)).await.map_err(|_| 255)?.map_err(|_| 255)?;
        if connack[3] != 0 {
            return Err(connack[3]);
        }
        Ok(Self { id: id.to_owned(), socket, next: 1, unacknowledged: VecDeque::new() })
    }

    /// QoS 1, without waiting for the acknowledgement.
    pub async fn send(&mut self, payload: &str) -> std::io::Result<()> {
        let topic = format!("vigil/v1/{}/vitals", self.id);
        self.publish(&topic, payload).await
    }

    pub async fn publish(&mut self, topic: &str, payload: &str) -> std::io::Result<()> {
        let mut body = Vec::new();
        text(topic, &mut body);
        body.extend_from_slice(&self.next.to_be_bytes());
        body.extend_from_slice(payload.as_bytes());
        self.unacknowledged.push_back(self.next);
        self.next = self.next % 60_000 + 1;
        self.socket.write_all(&packet(0x32, &body)).await
    }

    /// The next PUBACK, which must be for the oldest message.
    pub async fn acknowledged(&mut self) -> std::io::Result<()> {
        let mut puback = [0; 4];
        timeout(PATIENCE, self.socket.read_exact(&mut puback)).await.expect("a PUBACK in time")?;
        let oldest = self.unacknowledged.pop_front().expect("something was sent");
        assert_eq!(puback, [0x40, 2, (oldest >> 8) as u8, oldest as u8], "acknowledgements come in order");
        Ok(())
    }

    /// Sends, and waits until it is durable.
    pub async fn stores(&mut self, payload: &str) {
        self.send(payload).await.unwrap();
        self.acknowledged().await.unwrap();
    }

    /// Sends all of them with `window` in flight and waits for every acknowledgement.
    pub async fn stores_all(&mut self, payloads: impl IntoIterator<Item = String>, window: usize) {
        for payload in payloads {
            if self.unacknowledged.len() == window {
                self.acknowledged().await.unwrap();
            }
            self.send(&payload).await.unwrap();
        }
        while !self.unacknowledged.is_empty() {
            self.acknowledged().await.unwrap();
        }
    }

    pub fn unacknowledged(&self) -> usize {
        self.unacknowledged.len()
    }

    /// Whether the server closed the connection.
    pub async fn is_closed(&mut self) -> bool {
        matches!(timeout(PATIENCE, self.socket.read(&mut [0; 16])).await, Ok(Ok(0) | Err(_)))
    }
}
