//! Frames as a monitor sends them: ten parameters, an RFC 3339 time, QoS 1, MQTT 3.1.1.

use vitals::{Parameter, Timestamp, Values, wire};

const PARAMETERS: [Parameter; 10] = [
    Parameter::Hr,
    Parameter::PrSpo2,
    Parameter::Spo2,
    Parameter::Pi,
    Parameter::Rr,
    Parameter::AbpSys,
    Parameter::AbpDia,
    Parameter::AbpMap,
    Parameter::Temp,
    Parameter::Etco2,
];

/// A quiet patient, in the order of `PARAMETERS`: within every default limit, so that judging does its usual work.
const USUAL: [f32; 10] = [72.0, 72.0, 97.0, 2.4, 14.0, 121.0, 78.0, 92.0, 36.8, 38.0];

/// The PUBLISH packets of one connection, one after the other.
pub(crate) struct Packets {
    pub(crate) bytes: Vec<u8>,
    /// Where packet `n` begins; one more than there are packets.
    pub(crate) begins: Vec<u32>,
}

/// Identifiers cycle below the protocol's 65,535.
pub(crate) const IDENTIFIERS: usize = 60_000;

pub(crate) fn identifier(index: usize) -> u16 {
    (index % IDENTIFIERS) as u16 + 1
}

pub(crate) fn packets(device: &str, frames: usize, start: Timestamp, spacing_us: i64) -> Packets {
    let topic = format!("vigil/v1/{device}/vitals");
    let mut packets = Packets { bytes: Vec::with_capacity(frames * 220), begins: Vec::with_capacity(frames + 1) };
    let mut values = Values::default();
    for index in 0..frames {
        for (number, (&parameter, usual)) in PARAMETERS.iter().zip(USUAL).enumerate() {
            // Small steps in tenths, different for every parameter: what digits cost is paid.
            values.set(parameter, usual + ((index + number * 3) % 7) as f32 / 10.0);
        }
        let at = start.plus_micros(index as i64 * spacing_us);
        let payload = wire::encode(Some(at), Some(index as i64), false, &values, &[]);
        packets.begins.push(packets.bytes.len() as u32);
        publish(&topic, identifier(index), payload.as_bytes(), &mut packets.bytes);
    }
    packets.begins.push(packets.bytes.len() as u32);
    packets
}

fn publish(topic: &str, identifier: u16, payload: &[u8], out: &mut Vec<u8>) {
    out.push(0x32);
    length(2 + topic.len() + 2 + payload.len(), out);
    text(topic, out);
    out.extend_from_slice(&identifier.to_be_bytes());
    out.extend_from_slice(payload);
}

pub(crate) fn connect(device: &str, secret: &str, keep_alive_s: u16) -> Vec<u8> {
    let mut out = vec![0x10];
    length(10 + 3 * 2 + 2 * device.len() + secret.len(), &mut out);
    text("MQTT", &mut out);
    // Level 4; user name, password, clean session.
    out.extend_from_slice(&[4, 0xc2]);
    out.extend_from_slice(&keep_alive_s.to_be_bytes());
    for field in [device, device, secret] {
        text(field, &mut out);
    }
    out
}

/// At QoS 1, with identifier 1.
pub(crate) fn subscribe(filter: &str) -> Vec<u8> {
    let mut out = vec![0x82];
    length(2 + 2 + filter.len() + 1, &mut out);
    out.extend_from_slice(&[0, 1]);
    text(filter, &mut out);
    out.push(1);
    out
}

fn text(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

fn length(mut length: usize, out: &mut Vec<u8>) {
    loop {
        let byte = (length % 128) as u8;
        length /= 128;
        out.push(if length > 0 { byte | 0x80 } else { byte });
        if length == 0 {
            return;
        }
    }
}
