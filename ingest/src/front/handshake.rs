//! From the first byte to the CONNACK.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;

use super::acl::Rights;
use super::codes::Code;
use super::connect::{self, Connect};
use super::encode::{self, Announced};
use super::identity::{self, Proof};
use super::packet::{self, Kind, Version};
use super::places::Place;
use super::registry::{Claimed, Seat};
use super::socket::Socket;
use super::{Front, count_refusal};

/// Largest CONNECT, will included: whoever sends it is nobody yet.
const MAX_CONNECT: usize = 16 * 1024;
/// How long the connection that is taken over may need to go.
const TAKEOVER_PATIENCE: Duration = Duration::from_secs(3);

/// A client that is who it says it is.
pub(super) struct Admitted {
    pub(super) version: Version,
    pub(super) rights: Rights,
    pub(super) proof: Proof,
    pub(super) seat: Seat,
    /// With its QoS.
    pub(super) will: Option<(Bytes, u8)>,
    /// MQTT 5 asked for a session that outlives the connection, and was told that there is none.
    pub(super) wants_session: bool,
    /// After this long without a whole packet the client is gone: one and a half of its keep-alive.
    pub(super) patience: Duration,
    /// Deliveries at QoS 1 that the client takes at once.
    pub(super) receive_maximum: u16,
    /// Bytes of the largest packet that the client takes.
    pub(super) max_packet: usize,
    pub(super) permit: OwnedSemaphorePermit,
}

/// None: refused and answered, or gone.
pub(super) async fn admit(
    front: &Arc<Front>,
    place: &Place,
    socket: &mut Socket,
    buffer: &mut BytesMut,
) -> Option<Admitted> {
    let refused = match greet(front, place, socket, buffer).await {
        Ok(admitted) => return Some(admitted),
        Err(refused) => refused,
    };
    if let Some((version, code)) = refused {
        refuse(socket, version, code).await;
    }
    None
}

/// Of a node that stands by: there is a better one to ask.
pub(super) async fn turn_away(socket: &mut Socket, buffer: &mut BytesMut) {
    let (version, code) = match read_connect(socket, buffer).await {
        Ok(hello) => (hello.version, Code::Unavailable),
        Err(Some(refused)) => refused,
        Err(None) => return,
    };
    refuse(socket, version, code).await;
}

async fn refuse(socket: &mut Socket, version: Version, code: Code) {
    count_refusal(code);
    let mut out = BytesMut::new();
    encode::connack_refusal(&mut out, version, code);
    if socket.write_all(&out).await.is_ok() {
        socket.shutdown().await.ok();
    }
}

async fn greet(
    front: &Arc<Front>,
    place: &Place,
    socket: &mut Socket,
    buffer: &mut BytesMut,
) -> Result<Admitted, Option<(Version, Code)>> {
    let hello = read_connect(socket, buffer).await?;
    if !place.spoke() {
        return Err(None);
    }
    let refuse = |code| Some((hello.version, code));
    let identity = identity::authenticate(front, &hello.client_id, hello.login.as_ref(), socket.certificate())
        .await
        .map_err(refuse)?;
    let rights = Rights::new(identity.device, front.roster.clone());
    let will = match hello.will {
        None => None,
        // 3.1.1 was not told that 1 is the most: nobody subscribes above it anyway.
        Some(will) if will.qos == 2 && hello.version.is_v5() => return Err(refuse(Code::QosNotSupported)),
        Some(will) if !rights.will(&will.topic) => return Err(refuse(Code::NotAuthorized)),
        Some(will) => Some((will.message, will.qos.min(1))),
    };
    if front.stop.is_cancelled() {
        return Err(refuse(Code::ShuttingDown));
    }
    let Claimed { seat, flapping } = front.registry.claim(&rights.me.name, TAKEOVER_PATIENCE).await.map_err(refuse)?;
    if flapping {
        let device = rights.me.key;
        tracing::warn!(device.id = %device, "clients with the same identity take over from each other");
        metrics::counter!("vigil_mqtt_takeovers_slowed_total").increment(1);
        (front.pipeline.outlets().flapping)(device, front.clock.now());
    }
    // After the seat: at the bound, whoever takes its own place over finds the one that was given back.
    let permit = front.connections.clone().try_acquire_owned().map_err(|_| refuse(Code::QuotaExceeded))?;
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
        wants_session: hello.wants_session,
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

async fn read_connect(socket: &mut Socket, buffer: &mut BytesMut) -> Result<Connect, Option<(Version, Code)>> {
    loop {
        // Until the version is known, what cannot be understood is closed without an answer.
        let frame = packet::next(buffer, MAX_CONNECT).map_err(|_| None)?;
        match frame {
            Some(frame) if frame.kind == Kind::Connect => {
                let padded = frame.is_padded();
                return match connect::read(&frame)? {
                    connect if connect.version.is_v5() && padded => Err(Some((connect.version, Code::Malformed))),
                    connect => Ok(connect),
                };
            }
            Some(_) => return Err(None),
            None if socket.read_some(buffer).await.map_err(|_| None)? == 0 => return Err(None),
            None => {}
        }
    }
}
