//! Rows of `vitals` in the format of COPY BINARY.

use bytes::{BufMut, Bytes, BytesMut};
use vitals::{Frame, Parameter, Timestamp};

const SIGNATURE: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
const TRAILER: i16 = -1;
const NULL: i32 = -1;

/// Bytes of a row with every parameter: to reserve once for a batch.
const ROW: usize = 2 + 5 * 12 + 12 * Parameter::COUNT;

/// 2000-01-01, where PostgreSQL counts from, in µs since 1970.
const EPOCH_US: i64 = 946_684_800_000_000;

/// The columns in the order in which `rows` prints them.
pub(super) fn columns() -> String {
    let parameters: Vec<_> = Parameter::ALL.iter().map(|parameter| parameter.key()).collect();
    format!("at, received_at, seq, device_key, flags, {}, q", parameters.join(", "))
}

pub(super) fn rows<'a>(frames: impl ExactSizeIterator<Item = &'a Frame>) -> Bytes {
    let mut out = BytesMut::with_capacity(SIGNATURE.len() + frames.len() * ROW + 2);
    out.put_slice(SIGNATURE);
    for frame in frames {
        row(frame, &mut out);
    }
    out.put_i16(TRAILER);
    out.freeze()
}

fn row(frame: &Frame, out: &mut BytesMut) {
    out.put_i16(6 + Parameter::COUNT as i16);
    timestamp(frame.at, out);
    timestamp(frame.received_at, out);
    match frame.seq {
        Some(seq) => {
            out.put_i32(8);
            out.put_i64(seq);
        }
        None => out.put_i32(NULL),
    }
    for word in [frame.device.0, frame.flags.0] {
        out.put_i32(4);
        out.put_i32(word);
    }
    for &parameter in Parameter::ALL {
        match frame.values.get(parameter) {
            Some(value) => {
                out.put_i32(4);
                out.put_f32(value);
            }
            None => out.put_i32(NULL),
        }
    }
    if frame.marks.is_empty() {
        out.put_i32(NULL);
    } else {
        let marks: serde_json::Map<_, _> = frame
            .marks
            .iter()
            .map(|(parameter, validity)| (parameter.key().to_owned(), validity.key().into()))
            .collect();
        let json = serde_json::Value::Object(marks).to_string();
        out.put_i32(1 + json.len() as i32);
        // The version of jsonb's wire format.
        out.put_u8(1);
        out.put_slice(json.as_bytes());
    }
}

fn timestamp(at: Timestamp, out: &mut BytesMut) {
    out.put_i32(8);
    out.put_i64(at.micros() - EPOCH_US);
}
