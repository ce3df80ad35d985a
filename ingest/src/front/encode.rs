//! What the front writes.

use bytes::{BufMut, BytesMut};

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
    let mut properties = BytesMut::new();
    // Session expiry 0, Maximum QoS 1, retain available, no topic alias, wildcards, no subscription identifiers, no sharing.
    properties.put_slice(&[0x11, 0, 0, 0, 0, 0x24, 1, 0x25, 1, 0x22, 0, 0, 0x28, 1, 0x29, 0, 0x2A, 0]);
    properties.put_u8(0x21);
    properties.put_u16(announced.receive_maximum);
    properties.put_u8(0x27);
    properties.put_u32(announced.max_packet);
    if let Some(seconds) = announced.keep_alive_s {
        properties.put_u8(0x13);
        properties.put_u16(seconds);
    }
    out.put_u8(0x20);
    put_length(out, 3 + properties.len());
    out.put_slice(&[0, 0]);
    put_length(out, properties.len());
    out.put_slice(&properties);
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

pub(super) struct Message<'a> {
    pub(super) topic: &'a [u8],
    /// MQTT 5's, without their length.
    pub(super) properties: &'a [u8],
    pub(super) payload: &'a [u8],
    pub(super) retain: bool,
}

impl Message<'_> {
    /// Bytes that `publish` writes at most.
    pub(super) const fn longest(&self) -> usize {
        // Fixed header of five, length of the topic, an identifier, length of the properties.
        5 + 2 + 2 + 4 + self.topic.len() + self.properties.len() + self.payload.len()
    }
}

/// At QoS 1 where there is an identifier.
pub(super) fn publish(out: &mut BytesMut, version: Version, message: Message<'_>, pkid: Option<u16>) {
    let Message { topic, properties, payload, retain } = message;
    out.put_u8(0x30 | u8::from(pkid.is_some()) << 1 | u8::from(retain));
    let properties = version.is_v5().then_some(properties);
    let identifier = if pkid.is_some() { 2 } else { 0 };
    let described = properties.map_or(0, |properties| length_of(properties.len()) + properties.len());
    put_length(out, 2 + topic.len() + identifier + described + payload.len());
    out.put_u16(u16::try_from(topic.len()).expect("topics are bounded far below 64 KiB"));
    out.put_slice(topic);
    if let Some(pkid) = pkid {
        out.put_u16(pkid);
    }
    if let Some(properties) = properties {
        put_length(out, properties.len());
        out.put_slice(properties);
    }
    out.put_slice(payload);
}

/// Bytes of a variable byte integer.
const fn length_of(value: usize) -> usize {
    match value {
        0..128 => 1,
        128..16_384 => 2,
        16_384..2_097_152 => 3,
        _ => 4,
    }
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
