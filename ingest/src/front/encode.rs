//! What the front writes. By hand where rumqttd's writers cannot say it: identifiers of a PUBLISH are private to it, and
//! some reason codes have no name there.

use bytes::{BufMut, BytesMut};
use rumqttd::protocol::v5::V5;
use rumqttd::protocol::{ConnAck, ConnAckProperties, ConnectReturnCode, Packet, Protocol};

use super::codes::Code;
use super::packet::Version;

/// What MQTT 5 tells a client once.
pub(super) struct Announced {
    pub(super) receive_maximum: u16,
    pub(super) max_packet: u32,
    pub(super) keep_alive_s: Option<u16>,
}

pub(super) fn connack(out: &mut BytesMut, version: Version, announced: &Announced) {
    if version == Version::V4 {
        out.put_slice(&[0x20, 2, 0, 0]);
        return;
    }
    let properties = ConnAckProperties {
        session_expiry_interval: Some(0),
        receive_max: Some(announced.receive_maximum),
        max_qos: Some(1),
        retain_available: Some(1),
        max_packet_size: Some(announced.max_packet),
        topic_alias_max: Some(0),
        wildcard_subscription_available: Some(1),
        subscription_identifiers_available: Some(0),
        shared_subscription_available: Some(0),
        server_keep_alive: announced.keep_alive_s,
        ..ConnAckProperties::default()
    };
    let connack = ConnAck { session_present: false, code: ConnectReturnCode::Success };
    V5.write(Packet::ConnAck(connack, Some(properties)), out).expect("a CONNACK is short enough for its length field");
}

pub(super) fn connack_refusal(out: &mut BytesMut, version: Version, code: Code) {
    match version {
        Version::V5 => out.put_slice(&[0x20, 3, 0, code.v5(), 0]),
        Version::V4 => {
            if let Some(code) = code.v4_connack() {
                out.put_slice(&[0x20, 2, 0, code]);
            }
        }
    }
}

pub(super) fn puback(out: &mut BytesMut, pkid: u16) {
    let [high, low] = pkid.to_be_bytes();
    out.put_slice(&[0x40, 2, high, low]);
}

/// MQTT 5 only: 3.1.1 has no way to refuse a PUBLISH.
pub(super) fn puback_refusal(out: &mut BytesMut, pkid: u16, code: Code) {
    let [high, low] = pkid.to_be_bytes();
    out.put_slice(&[0x40, 3, high, low, code.v5()]);
}

/// `codes` are granted QoS or refusals, in MQTT 5's numbers.
pub(super) fn suback(out: &mut BytesMut, version: Version, pkid: u16, codes: &[u8]) {
    out.put_u8(0x90);
    put_length(out, 2 + usize::from(version.is_v5()) + codes.len());
    out.put_u16(pkid);
    match version {
        Version::V5 => {
            out.put_u8(0);
            out.put_slice(codes);
        }
        // Every refusal is 0x80 in 3.1.1.
        Version::V4 => out.extend(codes.iter().map(|&code| code.min(0x80))),
    }
}

pub(super) fn unsuback(out: &mut BytesMut, version: Version, pkid: u16, codes: &[u8]) {
    out.put_u8(0xB0);
    match version {
        Version::V5 => {
            put_length(out, 3 + codes.len());
            out.put_u16(pkid);
            out.put_u8(0);
            out.put_slice(codes);
        }
        Version::V4 => {
            put_length(out, 2);
            out.put_u16(pkid);
        }
    }
}

pub(super) fn pingresp(out: &mut BytesMut) {
    out.put_slice(&[0xD0, 0]);
}

pub(super) fn disconnect(out: &mut BytesMut, code: Code) {
    out.put_slice(&[0xE0, 1, code.v5()]);
}

/// Bytes that `publish` would write.
pub(super) const fn publish_len(topic: &[u8], payload: &[u8]) -> usize {
    // Fixed header of five, two lengths, an identifier and no properties: at most.
    5 + 2 + 2 + 1 + topic.len() + payload.len()
}

/// At QoS 1 where there is an identifier.
pub(super) fn publish(
    out: &mut BytesMut,
    version: Version,
    topic: &[u8],
    payload: &[u8],
    pkid: Option<u16>,
    retain: bool,
) {
    out.put_u8(0x30 | u8::from(pkid.is_some()) << 1 | u8::from(retain));
    let identifier = if pkid.is_some() { 2 } else { 0 };
    put_length(out, 2 + topic.len() + identifier + usize::from(version.is_v5()) + payload.len());
    out.put_u16(u16::try_from(topic.len()).expect("topics are bounded far below 64 KiB"));
    out.put_slice(topic);
    if let Some(pkid) = pkid {
        out.put_u16(pkid);
    }
    if version.is_v5() {
        out.put_u8(0);
    }
    out.put_slice(payload);
}

fn put_length(out: &mut BytesMut, mut length: usize) {
    loop {
        let byte = (length % 128) as u8;
        length /= 128;
        out.put_u8(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            break;
        }
    }
}
