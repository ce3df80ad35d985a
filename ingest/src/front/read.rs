//! The fields of a packet (MQTT 5 §1.5, 3.1.1 §1.5): nothing is read past its end, and no name holds what a name may not.

use super::codes::Code;

/// What is left of a packet, or of a part of it.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], Code> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or(Code::Malformed)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Code> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Code::Malformed)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, Code> {
        self.array().map(|[byte]| byte)
    }

    pub(super) fn u16(&mut self) -> Result<u16, Code> {
        self.array().map(u16::from_be_bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, Code> {
        self.array().map(u32::from_be_bytes)
    }

    /// Never 0 (§2.2.1).
    pub(super) fn packet_id(&mut self) -> Result<u16, Code> {
        match self.u16()? {
            0 => Err(Code::ProtocolError),
            id => Ok(id),
        }
    }

    /// A variable byte integer: four bytes at most, and no more of them than its value needs (§1.5.5).
    pub(super) fn variable(&mut self) -> Result<u32, Code> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            value |= u32::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(Code::Malformed) } else { Ok(value) };
            }
        }
        Err(Code::Malformed)
    }

    pub(super) fn binary(&mut self) -> Result<&'a [u8], Code> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    pub(super) fn text(&mut self) -> Result<&'a str, Code> {
        text(self.binary()?)
    }
}

/// UTF-8 without control characters: U+0000 must be refused, the others may be (§1.5.4), and nothing of ours has one.
pub(super) fn text(bytes: &[u8]) -> Result<&str, Code> {
    let text = std::str::from_utf8(bytes).map_err(|_| Code::Malformed)?;
    if text.chars().any(char::is_control) { Err(Code::Malformed) } else { Ok(text) }
}

/// A topic name: at least one character, and no wildcard (§4.7).
pub(super) fn topic(bytes: &[u8]) -> Result<&str, Code> {
    match text(bytes)? {
        "" => Err(Code::ProtocolError),
        topic if topic.contains(['+', '#']) => Err(Code::Malformed),
        topic => Ok(topic),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_byte_integer_has_one_shortest_form() {
        for (bytes, value) in [
            (&[0][..], Ok(0)),
            (&[0x7f], Ok(127)),
            (&[0x80, 1], Ok(128)),
            (&[0xff, 0xff, 0xff, 0x7f], Ok(268_435_455)),
            (&[0x80, 0], Err(Code::Malformed)),
            (&[0x81, 0x80, 0], Err(Code::Malformed)),
            (&[0xff, 0xff, 0xff, 0xff, 0x7f], Err(Code::Malformed)),
            (&[0x80], Err(Code::Malformed)),
            (&[], Err(Code::Malformed)),
        ] {
            assert_eq!(Reader::new(bytes).variable(), value, "{bytes:x?}");
        }
    }

    #[test]
    fn a_name_is_text_without_control_characters() {
        assert_eq!(
            text("\u{feff}bed-µ".as_bytes()),
            Ok("\u{feff}bed-µ"),
            "a byte order mark is a character like others"
        );
        for bytes in [&b"a\0"[..], b"\x01", b"\x7f", b"\xc2\x9f", b"\xed\xa0\x80", b"\xff", b"\xc0\x80"] {
            assert_eq!(text(bytes), Err(Code::Malformed), "{bytes:x?}");
        }
        assert_eq!(topic(b"a/b"), Ok("a/b"));
        assert_eq!(
            (topic(b""), topic(b"a/+"), topic(b"#")),
            (Err(Code::ProtocolError), Err(Code::Malformed), Err(Code::Malformed))
        );
        let mut short = Reader::new(b"\x00\x05abc");
        assert_eq!(short.text(), Err(Code::Malformed));
        assert_eq!(Reader::new(b"\x00\x00").packet_id(), Err(Code::ProtocolError));
    }
}
