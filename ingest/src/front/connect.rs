//! CONNECT, read whole before anything of it is believed (§3.1).

use bytes::Bytes;

use super::codes::Code;
use super::packet::{Frame, Version};
use super::properties::{self, within};
use super::read::{Reader, topic};

/// MQTT 5's Receive Maximum where a client names none.
const DEFAULT_RECEIVE_MAXIMUM: u16 = u16::MAX;
/// Smallest Maximum Packet Size that a client of MQTT 5 may have: our CONNACK and SUBACK fit in.
const LEAST_MAX_PACKET: u32 = 64;
/// Bytes of a CONNACK that refuses.
const REFUSAL: u32 = 5;

const RESERVED: u8 = 0x01;
const WILL: u8 = 0x04;
const WILL_QOS: u8 = 0x18;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USER_NAME: u8 = 0x80;

#[cfg_attr(feature = "fuzzing", derive(Debug))]
pub(super) struct Connect {
    pub(super) version: Version,
    pub(super) client_id: String,
    pub(super) keep_alive_s: u16,
    pub(super) login: Option<Login>,
    pub(super) will: Option<Will>,
    /// MQTT 5 asked for a session that outlives the connection.
    pub(super) wants_session: bool,
    pub(super) receive_maximum: u16,
    pub(super) max_packet: usize,
}

/// Empty where it is not there.
#[cfg_attr(feature = "fuzzing", derive(Debug))]
pub(super) struct Login {
    pub(super) username: String,
    pub(super) password: Vec<u8>,
}

#[cfg_attr(feature = "fuzzing", derive(Debug))]
pub(super) struct Will {
    pub(super) topic: String,
    pub(super) message: Bytes,
    pub(super) qos: u8,
}

/// Without an answer where the protocol is not ours: nobody knows what the client would understand.
pub(super) fn read(frame: &Frame) -> Result<Connect, Option<(Version, Code)>> {
    let mut packet = Reader::new(frame.body());
    let (Ok(protocol), Ok(level)) = (packet.binary(), packet.u8()) else { return Err(None) };
    let version = match (protocol, level) {
        (b"MQTT", 4) => Version::V4,
        (b"MQTT", 5) => Version::V5,
        (b"MQTT", 6..) => return Err(Some((Version::V5, Code::UnsupportedVersion))),
        (b"MQTT" | b"MQIsdp", _) => return Err(Some((Version::V4, Code::UnsupportedVersion))),
        _ => return Err(None),
    };
    fields(packet, version).map_err(|code| code.map(|code| (version, code)))
}

fn fields(mut packet: Reader<'_>, version: Version) -> Result<Connect, Option<Code>> {
    let flags = packet.u8()?;
    let keep_alive_s = packet.u16()?;
    let (will, will_qos) = (flags & WILL != 0, (flags & WILL_QOS) >> 3);
    // MQTT 5 lets a password come alone.
    let password_alone = flags & (USER_NAME | PASSWORD) == PASSWORD && !version.is_v5();
    let will_without = !will && flags & (WILL_QOS | WILL_RETAIN) != 0;
    if flags & RESERVED != 0 || will_qos > 2 || will_without || password_alone {
        return Err(Some(Code::Malformed));
    }
    let (mut wants_session, mut receive_maximum, mut max_packet) = (false, DEFAULT_RECEIVE_MAXIMUM, usize::MAX);
    if version.is_v5() {
        let properties = properties::read(&mut packet, within::CONNECT)?;
        if properties.authentication {
            return Err(Some(Code::BadAuthMethod));
        }
        match properties.max_packet {
            // Not even the refusal would fit.
            Some(..REFUSAL) => return Err(None),
            Some(REFUSAL..LEAST_MAX_PACKET) => return Err(Some(Code::TooLarge)),
            _ => {}
        }
        wants_session = properties.session_expiry_s > 0;
        receive_maximum = properties.receive_maximum.unwrap_or(receive_maximum);
        max_packet = properties.max_packet.map_or(max_packet, |bytes| bytes as usize);
    }
    let client_id = packet.text()?.to_owned();
    let will = if will { Some(read_will(&mut packet, version, will_qos)?) } else { None };
    let username = if flags & USER_NAME != 0 { packet.text()?.to_owned() } else { String::new() };
    let password = if flags & PASSWORD != 0 { packet.binary()?.to_vec() } else { Vec::new() };
    if !packet.is_empty() {
        return Err(Some(Code::Malformed));
    }
    let login = (flags & (USER_NAME | PASSWORD) != 0).then_some(Login { username, password });
    Ok(Connect { version, client_id, keep_alive_s, login, will, wants_session, receive_maximum, max_packet })
}

fn read_will(packet: &mut Reader<'_>, version: Version, qos: u8) -> Result<Will, Code> {
    if version.is_v5() {
        properties::read(packet, within::WILL)?;
    }
    let topic = topic(packet.binary()?)?.to_owned();
    // A copy: a slice would keep the read buffer alive as long as the connection.
    let message = Bytes::copy_from_slice(packet.binary()?);
    Ok(Will { topic, message, qos })
}
