//! The properties of MQTT 5 (§2.2.2): which packet may have which, once each, and those that mean something here.

use super::codes::Code;
use super::read::{Reader, topic};

/// The packets in which a client may send properties, as bits.
pub(super) mod within {
    pub(in crate::front) const CONNECT: u8 = 1;
    pub(in crate::front) const WILL: u8 = 2;
    pub(in crate::front) const PUBLISH: u8 = 4;
    pub(in crate::front) const PUBACK: u8 = 8;
    pub(in crate::front) const SUBSCRIBE: u8 = 16;
    pub(in crate::front) const UNSUBSCRIBE: u8 = 32;
    pub(in crate::front) const DISCONNECT: u8 = 64;
}
use within::{CONNECT, DISCONNECT, PUBACK, PUBLISH, SUBSCRIBE, WILL};

const PAYLOAD_FORMAT: u32 = 1;
const MESSAGE_EXPIRY: u32 = 2;
const CONTENT_TYPE: u32 = 3;
const RESPONSE_TOPIC: u32 = 8;
const SUBSCRIPTION_ID: u32 = 11;
const SESSION_EXPIRY: u32 = 17;
const AUTHENTICATION_METHOD: u32 = 21;
const AUTHENTICATION_DATA: u32 = 22;
const PROBLEM_INFORMATION: u32 = 23;
const RESPONSE_INFORMATION: u32 = 25;
const RECEIVE_MAXIMUM: u32 = 33;
const TOPIC_ALIAS: u32 = 35;
const USER_PROPERTY: u32 = 38;
const MAXIMUM_PACKET: u32 = 39;

#[derive(Clone, Copy)]
enum Kind {
    Byte,
    Two,
    Four,
    Variable,
    Text,
    Pair,
    Binary,
}

/// Its type, and the packets that may have it; None: only a server sends it, or nobody.
const fn rule(id: u32) -> Option<(Kind, u8)> {
    Some(match id {
        PAYLOAD_FORMAT => (Kind::Byte, PUBLISH | WILL),
        MESSAGE_EXPIRY => (Kind::Four, PUBLISH | WILL),
        CONTENT_TYPE | RESPONSE_TOPIC => (Kind::Text, PUBLISH | WILL),
        9 => (Kind::Binary, PUBLISH | WILL), // correlation data
        SUBSCRIPTION_ID => (Kind::Variable, SUBSCRIBE),
        SESSION_EXPIRY => (Kind::Four, CONNECT | DISCONNECT),
        AUTHENTICATION_METHOD => (Kind::Text, CONNECT),
        AUTHENTICATION_DATA => (Kind::Binary, CONNECT),
        PROBLEM_INFORMATION | RESPONSE_INFORMATION => (Kind::Byte, CONNECT),
        24 => (Kind::Four, WILL),                     // will delay
        31 => (Kind::Text, PUBACK | DISCONNECT),      // reason string
        RECEIVE_MAXIMUM | 34 => (Kind::Two, CONNECT), // 34: topic alias maximum
        TOPIC_ALIAS => (Kind::Two, PUBLISH),
        USER_PROPERTY => (Kind::Pair, u8::MAX),
        MAXIMUM_PACKET => (Kind::Four, CONNECT),
        _ => return None,
    })
}

/// What means something here. The rest is checked and, where the message goes on to somebody, handed on as it came.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Properties<'a> {
    pub(super) session_expiry_s: u32,
    pub(super) receive_maximum: Option<u16>,
    pub(super) max_packet: Option<u32>,
    pub(super) authentication: bool,
    pub(super) subscription_id: bool,
    pub(super) topic_alias: bool,
    pub(super) content_type: Option<&'a str>,
    pub(super) message_expiry: Option<Expiry>,
    /// All of them as they came, without their length.
    pub(super) bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Expiry {
    pub(super) seconds: u32,
    /// Where its four bytes are among the bytes of the properties.
    pub(super) at: usize,
}

/// Their length, and all of them; `within` says in which packet.
pub(super) fn read<'a>(packet: &mut Reader<'a>, within: u8) -> Result<Properties<'a>, Code> {
    let length = packet.variable()? as usize;
    let bytes = packet.take(length)?;
    let mut properties = Properties { bytes, ..Properties::default() };
    let mut bytes = Reader::new(bytes);
    let mut seen = 0_u64;
    while !bytes.is_empty() {
        let id = bytes.variable()?;
        let (kind, packets) = rule(id).ok_or(Code::Malformed)?;
        if packets & within == 0 {
            // A server may send this one, but no client (§3.3.4).
            let servers = id == SUBSCRIPTION_ID && within == PUBLISH;
            return Err(if servers { Code::ProtocolError } else { Code::Malformed });
        }
        if id != USER_PROPERTY && seen & 1 << id != 0 {
            return Err(Code::ProtocolError);
        }
        seen |= 1 << id;
        let (mut number, mut text) = (0, "");
        match kind {
            Kind::Byte => number = u32::from(bytes.u8()?),
            Kind::Two => number = u32::from(bytes.u16()?),
            Kind::Four => number = bytes.u32()?,
            Kind::Variable => number = bytes.variable()?,
            Kind::Text => text = bytes.text()?,
            Kind::Pair => {
                bytes.text()?;
                bytes.text()?;
            }
            Kind::Binary => {
                bytes.binary()?;
            }
        }
        match id {
            PAYLOAD_FORMAT | PROBLEM_INFORMATION | RESPONSE_INFORMATION if number > 1 => {
                return Err(Code::ProtocolError);
            }
            SUBSCRIPTION_ID | RECEIVE_MAXIMUM | MAXIMUM_PACKET if number == 0 => return Err(Code::ProtocolError),
            MESSAGE_EXPIRY => {
                properties.message_expiry = Some(Expiry { seconds: number, at: length - bytes.len() - 4 });
            }
            CONTENT_TYPE => properties.content_type = Some(text),
            RESPONSE_TOPIC => {
                topic(text.as_bytes()).map_err(|_| Code::ProtocolError)?;
            }
            SUBSCRIPTION_ID => properties.subscription_id = true,
            SESSION_EXPIRY => properties.session_expiry_s = number,
            AUTHENTICATION_METHOD => properties.authentication = true,
            RECEIVE_MAXIMUM => properties.receive_maximum = u16::try_from(number).ok(),
            TOPIC_ALIAS => properties.topic_alias = true,
            MAXIMUM_PACKET => properties.max_packet = Some(number),
            _ => {}
        }
    }
    let without_method = 1 << AUTHENTICATION_DATA;
    if seen & (without_method | 1 << AUTHENTICATION_METHOD) == without_method {
        return Err(Code::ProtocolError);
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(bytes: &[u8], within: u8) -> Result<Properties<'_>, Code> {
        read(&mut Reader::new(bytes), within)
    }

    /// One of each, well-formed.
    const EACH: [&[u8]; 16] = [
        b"\x01\x01",
        b"\x02\0\0\0\x09",
        b"\x03\0\x01a",
        b"\x08\0\x01a",
        b"\x09\0\x01\0",
        b"\x0b\x80\x01",
        b"\x11\0\0\0\x09",
        b"\x15\0\x01a",
        b"\x17\x01",
        b"\x18\0\0\0\x09",
        b"\x19\x01",
        b"\x1f\0\x01a",
        b"\x21\0\x01",
        b"\x22\0\x01",
        b"\x23\0\x01",
        b"\x27\0\0\0\x01",
    ];

    #[test]
    fn each_packet_has_its_own_properties_and_each_of_them_once() {
        for (within, allowed) in [
            (CONNECT, &[0x11, 0x15, 0x17, 0x19, 0x21, 0x22, 0x27][..]),
            (WILL, &[0x01, 0x02, 0x03, 0x08, 0x09, 0x18]),
            (PUBLISH, &[0x01, 0x02, 0x03, 0x08, 0x09, 0x23]),
            (PUBACK, &[0x1f]),
            (SUBSCRIBE, &[0x0b]),
            (within::UNSUBSCRIBE, &[]),
            (DISCONNECT, &[0x11, 0x1f]),
        ] {
            for one in EACH {
                let packet = [&[one.len() as u8], one].concat();
                let expected = match one[0] {
                    id if allowed.contains(&id) => None,
                    0x0b if within == PUBLISH => Some(Code::ProtocolError),
                    _ => Some(Code::Malformed),
                };
                assert_eq!(take(&packet, within).err(), expected, "{one:x?} within {within}");
                if expected.is_none() {
                    let twice = [&[one.len() as u8 * 2], one, one].concat();
                    assert_eq!(take(&twice, within).err(), Some(Code::ProtocolError), "{one:x?} twice");
                    for cut in 1..one.len() {
                        let short = [&[cut as u8], &one[..cut]].concat();
                        assert_eq!(take(&short, within).err(), Some(Code::Malformed), "{one:x?} cut at {cut}");
                    }
                }
            }
            assert!(take(b"\x0e\x26\0\x01a\0\x01b\x26\0\x01a\0\x01b", within).is_ok(), "user properties repeat");
            for servers in [0x12, 0x13, 0x1a, 0x1c, 0x24, 0x25, 0x28, 0x29, 0x2a, 0x00, 0x7f] {
                assert_eq!(take(&[2, servers, 0], within).err(), Some(Code::Malformed), "{servers:#x}");
            }
            assert_eq!(take(b"\x02\xa6\0", within).err(), Some(Code::Malformed), "an identifier in two bytes");
        }
    }

    #[test]
    fn a_value_that_means_nothing_is_a_protocol_error() {
        for (bytes, within) in [
            (&b"\x02\x01\x02"[..], PUBLISH),
            (b"\x02\x17\x02", CONNECT),
            (b"\x02\x19\x02", CONNECT),
            (b"\x03\x21\0\0", CONNECT),
            (b"\x05\x27\0\0\0\0", CONNECT),
            (b"\x02\x0b\0", SUBSCRIBE),
            (b"\x04\x08\0\x01#", PUBLISH),
            (b"\x04\x16\0\x01a", CONNECT),
        ] {
            assert_eq!(take(bytes, within).err(), Some(Code::ProtocolError), "{bytes:x?}");
        }
    }

    #[test]
    fn the_place_of_the_message_expiry_is_known() {
        let bytes = b"\x09\x03\0\x01a\x02\0\0\0\x07";
        let expiry = take(bytes, PUBLISH).unwrap().message_expiry.unwrap();
        assert_eq!((expiry.seconds, &bytes[1 + expiry.at..][..4]), (7, &[0, 0, 0, 7][..]));
    }
}
