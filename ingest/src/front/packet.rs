//! Frames off the read buffer, and the packets that are short. Read by our own hand: what rumqttd's codecs let through is in
//! docs/decisions/0010.

use bytes::{Buf, Bytes, BytesMut};

use super::codes::Code;
use super::properties::{self, Expiry, within};
use super::read::Reader;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V4,
    V5,
}

impl Version {
    pub(super) const fn is_v5(self) -> bool {
        matches!(self, Self::V5)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Connect,
    Publish,
    PubAck,
    Subscribe,
    Unsubscribe,
    PingReq,
    Disconnect,
}

/// One whole control packet.
pub(super) struct Frame {
    pub(super) kind: Kind,
    bytes: BytesMut,
    header: usize,
}

/// Takes one whole packet; None: more bytes are needed.
pub(super) fn next(buffer: &mut BytesMut, max_packet: usize) -> Result<Option<Frame>, Code> {
    let Some(&first) = buffer.first() else { return Ok(None) };
    let kind = kind(first)?;
    let (mut remaining, mut header) = (0, 1);
    loop {
        let Some(&byte) = buffer.get(header) else { return Ok(None) };
        remaining |= usize::from(byte & 0x7f) << (7 * (header - 1));
        header += 1;
        if byte & 0x80 == 0 {
            break;
        }
        // Four bytes of length at most (§1.5.5).
        if header == 5 {
            return Err(Code::Malformed);
        }
    }
    let total = header + remaining;
    if total > max_packet {
        return Err(Code::TooLarge);
    }
    if buffer.len() < total {
        // Memory follows what was sent, never what was announced.
        return Ok(None);
    }
    Ok(Some(Frame { kind, bytes: buffer.split_to(total), header }))
}

/// The types a client may send here, with their fixed flags. The three of QoS 2 are not among them: we grant 1.
fn kind(first: u8) -> Result<Kind, Code> {
    match (first >> 4, first & 0x0f) {
        (1, 0) => Ok(Kind::Connect),
        (3, _) => Ok(Kind::Publish),
        (4, 0) => Ok(Kind::PubAck),
        (8, 2) => Ok(Kind::Subscribe),
        (10, 2) => Ok(Kind::Unsubscribe),
        (12, 0) => Ok(Kind::PingReq),
        (14, 0) => Ok(Kind::Disconnect),
        (1 | 4 | 8 | 10 | 12 | 14, _) => Err(Code::Malformed),
        _ => Err(Code::ProtocolError),
    }
}

impl Frame {
    pub(super) fn body(&self) -> &[u8] {
        &self.bytes[self.header..]
    }

    /// Whether the length has more bytes than it needs: MQTT 5 forbids it (§1.5.5), 3.1.1 does not.
    pub(super) fn is_padded(&self) -> bool {
        self.header > 2 && self.bytes[self.header - 1] == 0
    }

    /// The identifier of a PUBACK (§3.4).
    pub(super) fn acknowledged(&self, version: Version) -> Result<u16, Code> {
        let mut packet = Reader::new(self.body());
        let id = packet.packet_id()?;
        if version.is_v5() && !packet.is_empty() {
            if !matches!(packet.u8()?, 0x00 | 0x10 | 0x80 | 0x83 | 0x87 | 0x90 | 0x91 | 0x97 | 0x99) {
                return Err(Code::ProtocolError);
            }
            if !packet.is_empty() {
                properties::read(&mut packet, within::PUBACK)?;
            }
        }
        if packet.is_empty() { Ok(id) } else { Err(Code::Malformed) }
    }

    pub(super) fn goodbye(&self, version: Version) -> Result<Goodbye, Code> {
        let mut goodbye = Goodbye { with_will: false, wants_session: false };
        let mut packet = Reader::new(self.body());
        if version.is_v5() && !packet.is_empty() {
            match packet.u8()? {
                0x00 => {}
                0x04 | 0x80..=0x83 | 0x90 | 0x93..=0x99 => goodbye.with_will = true,
                _ => return Err(Code::ProtocolError),
            }
            if !packet.is_empty() {
                goodbye.wants_session = properties::read(&mut packet, within::DISCONNECT)?.session_expiry_s > 0;
            }
        }
        if packet.is_empty() { Ok(goodbye) } else { Err(Code::Malformed) }
    }
}

/// DISCONNECT of a client (§3.14).
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Goodbye {
    /// Any reason but 0: the will is to be said all the same.
    pub(super) with_will: bool,
    /// It would have its session kept.
    pub(super) wants_session: bool,
}

pub(super) struct Published {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// None for QoS 0.
    pub(super) pkid: Option<u16>,
    /// The MQTT 5 content type is absent or JSON.
    pub(super) json: bool,
    /// MQTT 5's, as they came and without their length; checked.
    pub(super) properties: Bytes,
    pub(super) expiry: Option<Expiry>,
}

/// Cuts a PUBLISH without copying. Its topic is whatever bytes came: the rights of the connection know those that are good.
pub(super) fn publish(frame: Frame, version: Version) -> Result<Published, Code> {
    let flags = frame.bytes[0];
    match flags & 0x0E {
        // At QoS 1 DUP says that it may be a repetition; at QoS 0 nothing is repeated (§3.3.1.1).
        0x00 | 0x02 | 0x0A => {}
        0x04 | 0x0C => return Err(Code::QosNotSupported),
        _ => return Err(Code::Malformed),
    }
    let body = frame.body();
    let &[high, low, ..] = body else { return Err(Code::Malformed) };
    let topic_end = 2 + usize::from(u16::from_be_bytes([high, low]));
    let mut at = topic_end;
    let mut pkid = None;
    if flags & 0x02 != 0 {
        let id = body.get(at..at + 2).ok_or(Code::Malformed)?;
        pkid = Some(u16::from_be_bytes([id[0], id[1]]));
        at += 2;
        if pkid == Some(0) {
            return Err(Code::ProtocolError);
        }
    }
    if body.len() < at {
        return Err(Code::Malformed);
    }
    let (mut json, mut expiry, mut properties) = (true, None, at..at);
    if version.is_v5() {
        match body.get(at) {
            None => return Err(Code::Malformed),
            Some(0) => at += 1,
            Some(_) => {
                let mut packet = Reader::new(&body[at..]);
                let read = properties::read(&mut packet, within::PUBLISH)?;
                // We announce a Topic Alias Maximum of 0.
                if read.topic_alias {
                    return Err(Code::AliasInvalid);
                }
                json = read.content_type.is_none_or(is_json);
                expiry = read.message_expiry;
                at = body.len() - packet.len();
                properties = at - read.bytes.len()..at;
            }
        }
    }
    let mut bytes = frame.bytes.freeze();
    let topic = bytes.slice(frame.header + 2..frame.header + topic_end);
    let properties = match properties.is_empty() {
        true => Bytes::new(),
        false => bytes.slice(frame.header + properties.start..frame.header + properties.end),
    };
    bytes.advance(frame.header + at);
    Ok(Published { topic, payload: bytes, pkid, json, properties, expiry })
}

fn is_json(content_type: &str) -> bool {
    content_type.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::{connect, subscribe};
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Bodies that begin like packets do, so that they get past the first length.
        #[test]
        fn no_bytes_make_a_reader_panic(
            first in prop::sample::select(vec![0x10_u8, 0x30, 0x32, 0x40, 0x82, 0xA2, 0xC0, 0xE0]),
            start in prop::sample::select(vec![&b""[..], b"\x00\x04MQTT\x04", b"\x00\x04MQTT\x05", b"\x00\x01a", b"\x00\x01\x00"]),
            body in vec(prop_oneof![any::<u8>(), 0_u8..45], 0..64),
        ) {
            let body = [start, &body].concat();
            let bytes = [&[first, body.len() as u8], &body[..]].concat();
            for version in [Version::V4, Version::V5] {
                let frame = take(&bytes).unwrap().expect("it is whole");
                match frame.kind {
                    Kind::Publish => drop(publish(frame, version)),
                    Kind::PubAck => drop(frame.acknowledged(version)),
                    Kind::Disconnect => drop(frame.goodbye(version)),
                    Kind::Connect => drop(connect::read(&frame)),
                    Kind::Subscribe => drop(subscribe::subscribe(&frame, version)),
                    Kind::Unsubscribe => drop(subscribe::unsubscribe(&frame, version)),
                    Kind::PingReq => {}
                }
            }
        }
    }

    fn take(bytes: &[u8]) -> Result<Option<Frame>, Code> {
        next(&mut BytesMut::from(bytes), 1_000)
    }

    #[test]
    fn a_publish_is_cut_without_its_header() {
        let frame = take(b"\x32\x07\x00\x01a\x00\x09{}").unwrap().unwrap();
        let publish = publish(frame, Version::V4).unwrap();
        assert_eq!((&publish.topic[..], &publish.payload[..], publish.pkid), (&b"a"[..], &b"{}"[..], Some(9)));
    }

    #[test]
    fn properties_are_read_and_an_alias_is_refused() {
        let cbor = b"\x30\x18\x00\x01a\x13\x03\x00\x10application/cborx";
        let cut = publish(take(cbor).unwrap().unwrap(), Version::V5).unwrap();
        assert!(!cut.json);
        assert_eq!(&cut.payload[..], b"x");
        let alias = take(b"\x30\x08\x00\x01a\x03\x23\x00\x01x").unwrap().unwrap();
        assert_eq!(publish(alias, Version::V5).err(), Some(Code::AliasInvalid));
    }

    #[test]
    fn memory_follows_what_was_sent_and_not_what_was_announced() {
        let mut buffer = BytesMut::from(&b"\x30\xff\xff\x0f"[..]);
        assert!(next(&mut buffer, 1024 * 1024).unwrap().is_none());
        assert!(buffer.capacity() < 1024, "{}", buffer.capacity());
    }

    #[test]
    fn what_is_not_a_clients_packet_is_refused() {
        for first in [0x00, 0x20, 0x50, 0x62, 0x70, 0x90, 0xB0, 0xD0, 0xF0, 0x80, 0x11] {
            assert!(take(&[first, 0]).is_err(), "{first:#x}");
        }
        assert_eq!(take(&[0x30, 0xff, 0xff, 0xff, 0xff, 0x01]).err(), Some(Code::Malformed));
        assert_eq!(take(&[0x30, 0xff, 0x7f]).err(), Some(Code::TooLarge));
        assert!(take(&[0x30]).unwrap().is_none() && take(&[]).unwrap().is_none());
        for short in [
            &b"\x30\x00"[..],
            b"\x30\x02\x00\x05",
            b"\x32\x03\x00\x01a",
            b"\x36\x02\x00\x00",
            b"\x32\x05\x00\x01a\x00\x00",
        ] {
            for version in [Version::V4, Version::V5] {
                assert!(publish(take(short).unwrap().unwrap(), version).is_err(), "{short:?}");
            }
        }
    }
}
