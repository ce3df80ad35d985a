//! From the first byte to the CONNACK.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use rumqttd::protocol::{LastWill, Login, Packet, QoS};
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;

use super::Front;
use super::acl::Rights;
use super::codes::Code;
use super::encode::{self, Announced};
use super::identity::{self, Proof};
use super::packet::{self, Kind, Version};
use super::registry::{Claimed, Seat};
use super::socket::Socket;

/// Largest CONNECT, will included: whoever sends it is nobody yet.
const MAX_CONNECT: usize = 16 * 1024;
/// How long the connection that is taken over may need to go.
const TAKEOVER_PATIENCE: Duration = Duration::from_secs(3);
/// MQTT 5's Receive Maximum where a client names none.
const DEFAULT_RECEIVE_MAXIMUM: u16 = u16::MAX;

/// A client that is who it says it is.
pub(super) struct Admitted {
    pub(super) version: Version,
    pub(super) rights: Rights,
    pub(super) proof: Proof,
    pub(super) seat: Seat,
    pub(super) will: Option<Bytes>,
    /// After this long without a byte the client is gone: one and a half of its keep-alive.
    pub(super) patience: Duration,
    /// Deliveries at QoS 1 that the client takes at once.
    pub(super) receive_maximum: u16,
    /// Bytes of the largest packet that the client takes.
    pub(super) max_packet: usize,
    pub(super) permit: OwnedSemaphorePermit,
}

struct Hello {
    version: Version,
    client_id: String,
    keep_alive_s: u16,
    login: Option<Login>,
    will: Option<LastWill>,
    receive_maximum: u16,
    max_packet: usize,
}

/// None: refused and answered, or gone.
pub(super) async fn admit(front: &Arc<Front>, socket: &mut Socket, buffer: &mut BytesMut) -> Option<Admitted> {
    let refused = match greet(front, socket, buffer).await {
        Ok(admitted) => return Some(admitted),
        Err(refused) => refused,
    };
    if let Some((version, code)) = refused {
        front.refused(code);
        let mut out = BytesMut::new();
        encode::connack_refusal(&mut out, version, code);
        if socket.write_all(&out).await.is_ok() {
            socket.shutdown().await.ok();
        }
    }
    None
}

async fn greet(
    front: &Arc<Front>,
    socket: &mut Socket,
    buffer: &mut BytesMut,
) -> Result<Admitted, Option<(Version, Code)>> {
    let hello = read_connect(socket, buffer).await?;
    let refuse = |code| Some((hello.version, code));
    let identity = identity::authenticate(front, &hello.client_id, hello.login.as_ref(), socket.certificate())
        .await
        .map_err(refuse)?;
    let rights = Rights::new(identity.device, front.roster.clone());
    let will = match hello.will {
        None => None,
        Some(will) if !rights.will(&will.topic) => return Err(refuse(Code::NotAuthorized)),
        Some(will) if will.qos == QoS::ExactlyOnce && hello.version.is_v5() => {
            return Err(refuse(Code::QosNotSupported));
        }
        // A copy: a slice would keep the read buffer alive as long as the connection.
        Some(will) => Some(Bytes::copy_from_slice(&will.message)),
    };
    if front.stop.is_cancelled() {
        return Err(refuse(Code::ShuttingDown));
    }
    let permit = front.connections.clone().try_acquire_owned().map_err(|_| refuse(Code::QuotaExceeded))?;
    let Claimed { seat, flapping } =
        front.registry.claim(&rights.me.name, TAKEOVER_PATIENCE).await.map_err(refuse)?;
    if flapping {
        let device = rights.me.key;
        tracing::warn!(device.id = %device, "clients with the same identity take over from each other");
        metrics::counter!("vigil_mqtt_takeovers_slowed_total").increment(1);
        (front.pipeline.outlets().flapping)(device, front.clock.now());
    }
    let (patience, keep_alive_s) = keep_alive(hello.version, hello.keep_alive_s, front.config.max_keep_alive_s);
    let announced = Announced {
        receive_maximum: u16::try_from(front.pipeline.window().free()).unwrap_or(u16::MAX),
        max_packet: u32::try_from(front.config.max_packet_bytes).unwrap_or(u32::MAX),
        keep_alive_s,
    };
    let mut out = BytesMut::new();
    encode::connack(&mut out, hello.version, &announced);
    socket.write_all(&out).await.map_err(|_| None)?;
    Ok(Admitted {
        version: hello.version,
        rights,
        proof: identity.proof,
        seat,
        will,
        patience,
        receive_maximum: hello.receive_maximum,
        max_packet: hello.max_packet,
        permit,
    })
}

/// The limit, and what MQTT 5 is told where it is not the client's own. 3.1.1 cannot be told, so its wish stands.
fn keep_alive(version: Version, wished_s: u16, longest_s: u16) -> (Duration, Option<u16>) {
    let ours = wished_s == 0 || (version.is_v5() && wished_s > longest_s);
    let seconds = if ours { longest_s } else { wished_s };
    (Duration::from_millis(u64::from(seconds) * 1_500), ours.then_some(longest_s))
}

async fn read_connect(socket: &mut Socket, buffer: &mut BytesMut) -> Result<Hello, Option<(Version, Code)>> {
    loop {
        // Until the version is known, what cannot be understood is closed without an answer.
        let frame = packet::next(buffer, MAX_CONNECT).map_err(|_| None)?;
        match frame {
            Some(frame) if frame.kind == Kind::Connect => return parse_connect(frame),
            Some(_) => return Err(None),
            None if socket.read_some(buffer).await.map_err(|_| None)? == 0 => return Err(None),
            None => {}
        }
    }
}

fn parse_connect(frame: packet::Frame) -> Result<Hello, Option<(Version, Code)>> {
    let version = match frame.body() {
        [0, 4, b'M', b'Q', b'T', b'T', 4, flags, ..] if flags & 1 == 0 => Version::V4,
        [0, 4, b'M', b'Q', b'T', b'T', 5, flags, ..] if flags & 1 == 0 => Version::V5,
        [0, 4, b'M', b'Q', b'T', b'T', 4 | 5, ..] => return Err(None),
        [0, 4, b'M', b'Q', b'T', b'T', level, ..] if *level > 5 => {
            return Err(Some((Version::V5, Code::UnsupportedVersion)));
        }
        [0, 4, b'M', b'Q', b'T', b'T', ..] | [0, 6, b'M', b'Q', b'I', b's', b'd', b'p', ..] => {
            return Err(Some((Version::V4, Code::UnsupportedVersion)));
        }
        _ => return Err(None),
    };
    let Packet::Connect(connect, properties, will, _, login) =
        frame.decode(version).map_err(|code| Some((version, code)))?
    else {
        return Err(None);
    };
    let (mut receive_maximum, mut max_packet) = (DEFAULT_RECEIVE_MAXIMUM, usize::MAX);
    if let Some(properties) = properties {
        if properties.authentication_method.is_some() {
            return Err(Some((version, Code::BadAuthMethod)));
        }
        if properties.receive_maximum == Some(0) || properties.max_packet_size == Some(0) {
            return Err(Some((version, Code::ProtocolError)));
        }
        receive_maximum = properties.receive_maximum.unwrap_or(receive_maximum);
        max_packet = properties.max_packet_size.map_or(max_packet, |bytes| bytes as usize);
    }
    let keep_alive_s = connect.keep_alive;
    Ok(Hello { version, client_id: connect.client_id, keep_alive_s, login, will, receive_maximum, max_packet })
}
