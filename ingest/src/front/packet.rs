//! Frames off the read buffer. What reaches rumqttd's codecs has been checked for every way in which they panic or lose
//! their place (reference: they are `unreachable!` on types a client never sends, and consume a frame they then refuse).

use bytes::{Buf, Bytes, BytesMut};
use rumqttd::protocol::v4::V4;
use rumqttd::protocol::v5::V5;
use rumqttd::protocol::{Packet, Protocol};

use super::codes::Code;

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
        buffer.reserve(total - buffer.len());
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

    /// By rumqttd's codec.
    pub(super) fn decode(mut self, version: Version) -> Result<Packet, Code> {
        let max = self.bytes.len();
        match version {
            Version::V4 => V4.read_mut(&mut self.bytes, max),
            Version::V5 => V5.read_mut(&mut self.bytes, max),
        }
        .map_err(|_| Code::Malformed)
    }

    /// The identifier of a PUBACK.
    pub(super) fn pkid(&self) -> Result<u16, Code> {
        match *self.body() {
            [high, low, ..] => Ok(u16::from_be_bytes([high, low])),
            _ => Err(Code::Malformed),
        }
    }

    /// Whether this DISCONNECT keeps the will alive (0x04). Read by hand: the codec loses a lone reason code, which is legal.
    pub(super) fn with_will(&self, version: Version) -> bool {
        version.is_v5() && self.body().first().is_some_and(|&reason| reason != 0)
    }
}

pub(super) struct Published {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// None for QoS 0.
    pub(super) pkid: Option<u16>,
    /// The MQTT 5 content type is absent or JSON.
    pub(super) json: bool,
}

/// Cuts a PUBLISH without copying. Only one with MQTT 5 properties goes through the codec.
pub(super) fn publish(frame: Frame, version: Version) -> Result<Published, Code> {
    let qos = (frame.bytes[0] >> 1) & 3;
    match qos {
        0 | 1 => {}
        2 => return Err(Code::QosNotSupported),
        _ => return Err(Code::Malformed),
    }
    let body = frame.body();
    let &[high, low, ..] = body else { return Err(Code::Malformed) };
    let topic_end = 2 + usize::from(u16::from_be_bytes([high, low]));
    let mut at = topic_end;
    let mut pkid = None;
    if qos == 1 {
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
    if version.is_v5() {
        match body.get(at) {
            None => return Err(Code::Malformed),
            Some(0) => at += 1,
            Some(_) => return with_properties(frame, pkid),
        }
    }
    let mut bytes = frame.bytes.freeze();
    let topic = bytes.slice(frame.header + 2..frame.header + topic_end);
    bytes.advance(frame.header + at);
    Ok(Published { topic, payload: bytes, pkid, json: true })
}

fn with_properties(frame: Frame, pkid: Option<u16>) -> Result<Published, Code> {
    let Packet::Publish(publish, properties) = frame.decode(Version::V5)? else { return Err(Code::Malformed) };
    let mut json = true;
    if let Some(properties) = properties {
        // We announce a Topic Alias Maximum of 0.
        if properties.topic_alias.is_some() {
            return Err(Code::AliasInvalid);
        }
        json = properties.content_type.is_none_or(|kind| {
            kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
        });
    }
    Ok(Published { topic: publish.topic, payload: publish.payload, pkid, json })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        /// Bodies that begin like packets do, so that they get past the first length.
        #[test]
        fn no_bytes_make_a_codec_panic(
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
                    Kind::PubAck => drop(frame.pkid()),
                    Kind::Disconnect => drop(frame.with_will(version)),
                    _ => drop(frame.decode(version)),
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
    fn what_is_not_a_clients_packet_is_refused_before_a_codec_sees_it() {
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
