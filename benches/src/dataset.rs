//! Frames as a monitor sends them: ten parameters, an RFC 3339 time, QoS 1, MQTT 3.1.1.

use vitals::{Parameter, Timestamp, Values, wire};

use crate::mqtt;

/// A quiet patient: within every default limit, so that judging does its usual work.
const USUAL: [(Parameter, f32); 10] = [
    (Parameter::Hr, 72.0),
    (Parameter::PrSpo2, 72.0),
    (Parameter::Spo2, 97.0),
    (Parameter::Pi, 2.4),
    (Parameter::Rr, 14.0),
    (Parameter::AbpSys, 121.0),
    (Parameter::AbpDia, 78.0),
    (Parameter::AbpMap, 92.0),
    (Parameter::Temp, 36.8),
    (Parameter::Etco2, 38.0),
];

/// Values repeat after so many frames.
pub(crate) const CYCLE: usize = 7;

/// `seq` of a device's first frame: seven digits until its nine-millionth.
pub(crate) const FIRST_SEQ: i64 = 1_000_000;

/// Six digits behind the second, so that every other time fits into its place.
const MODEL: Timestamp = Timestamp::from_micros(1_795_428_000_111_111);

/// Bytes of a time up to the second, and digits behind it.
const SECOND: usize = 19;
const FRACTION: usize = 6;

/// The values of a device's frame number `index`.
pub(crate) fn values(index: usize) -> Values {
    let mut values = Values::default();
    for (number, (parameter, usual)) in USUAL.into_iter().enumerate() {
        // Small steps in tenths, different for every parameter: what digits cost is paid.
        values.set(parameter, usual + ((index + number * 3) % CYCLE) as f32 / 10.0);
    }
    values
}

pub(crate) fn topic(device: &str) -> String {
    format!("vigil/v1/{device}/vitals")
}

/// The PUBLISH packets of one device: encoded once, and what differs is written into its place, so that the load leaves
/// the processors to what is measured.
pub(crate) struct Packets {
    templates: Vec<Template>,
    /// The second that `digits` say.
    second: i64,
    digits: [u8; SECOND],
}

struct Template {
    bytes: Vec<u8>,
    identifier: usize,
    time: usize,
    seq: usize,
}

impl Packets {
    pub(crate) fn new(device: &str) -> Self {
        let topic = topic(device);
        let template = |index| {
            let payload = wire::encode(Some(MODEL), Some(FIRST_SEQ), false, &values(index), &[]);
            let mut bytes = Vec::new();
            mqtt::publish(&topic, 0, payload.as_bytes(), &mut bytes);
            let payload_at = bytes.len() - payload.len();
            let place = |key: &str| payload_at + payload.find(key).expect("what was encoded") + key.len();
            Template { identifier: payload_at - 2, time: place("\"t\":\""), seq: place("\"seq\":"), bytes }
        };
        Self { templates: (0..CYCLE).map(template).collect(), second: i64::MIN, digits: [0; SECOND] }
    }

    /// Appends frame number `index`, measured at `at`.
    pub(crate) fn write(&mut self, index: usize, at: Timestamp, identifier: u16, out: &mut Vec<u8>) {
        let (second, micros) = (at.micros().div_euclid(1_000_000), at.micros().rem_euclid(1_000_000));
        if self.second != second {
            let text = Timestamp::from_micros(second * 1_000_000).to_string();
            self.digits.copy_from_slice(&text.as_bytes()[..SECOND]);
            self.second = second;
        }
        let template = &self.templates[index % CYCLE];
        let begin = out.len();
        out.extend_from_slice(&template.bytes);
        let packet = &mut out[begin..];
        packet[template.identifier..template.identifier + 2].copy_from_slice(&identifier.to_be_bytes());
        packet[template.time..template.time + SECOND].copy_from_slice(&self.digits);
        let fraction = template.time + SECOND + 1;
        decimal(micros, &mut packet[fraction..fraction + FRACTION]);
        decimal(FIRST_SEQ + index as i64, &mut packet[template.seq..template.seq + 7]);
    }
}

/// Fills `place` with digits.
fn decimal(mut number: i64, place: &mut [u8]) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_written_into_its_place_is_the_packet_encoded_anew() {
        let mut packets = Packets::new("bench-00001");
        for (index, micros) in
            [(0, 1_795_428_000_000_000), (5, 1_795_428_061_000_042), (8_123_456, 1_795_499_999_999_999)]
        {
            let at = Timestamp::from_micros(micros);
            let mut out = b"before".to_vec();
            packets.write(index, at, 4_711, &mut out);
            let payload = &out[6 + 2 + 1 + 2 + topic("bench-00001").len() + 2..];
            let mut frames = Vec::new();
            wire::decode(payload, &mut frames).unwrap();
            assert_eq!(frames.len(), 1);
            assert_eq!(frames[0].t, wire::Time::At(at));
            assert_eq!(frames[0].seq, Some(FIRST_SEQ + index as i64));
            assert_eq!(frames[0].values, values(index));
            assert_eq!(out[out.len() - payload.len() - 2..][..2], 4_711_u16.to_be_bytes());
        }
    }
}
