//! A command on its way from a service to a device.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use tokio::time::Instant;

use super::properties::Expiry;
use super::read::Reader;

/// Where a letter has no expiry.
const NEVER: u32 = u32::MAX;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) topic: Bytes,
    pub(super) payload: Bytes,
    /// Of the publication: a subscription may lower it (§3.8.4).
    pub(super) qos: u8,
    /// MQTT 5's, as they came and without their length.
    pub(super) properties: Bytes,
    pub(super) expiry: Option<Expiry>,
    pub(super) since: Instant,
}

impl Delivery {
    /// One letter for the router, which knows neither the QoS nor, for each of its topics for ever, how to forget it: so all
    /// go under one topic. A copy: a slice would keep the read buffer alive in the router's log.
    pub(super) fn seal(&self) -> Bytes {
        let Self { topic, payload, qos, properties, expiry, .. } = self;
        let mut letter = BytesMut::with_capacity(13 + topic.len() + properties.len() + payload.len());
        letter.put_u8(*qos);
        letter.put_u32(expiry.map_or(NEVER, |expiry| expiry.at as u32));
        for part in [topic, properties] {
            letter.put_u32(part.len() as u32);
            letter.put_slice(part);
        }
        letter.put_slice(payload);
        letter.freeze()
    }

    /// None: this is no letter.
    pub(super) fn open(letter: &Bytes, now: Instant) -> Option<Self> {
        let mut reader = Reader::new(letter);
        let (qos, at) = (reader.u8().ok()?, reader.u32().ok()?);
        let mut part = || {
            let length = reader.u32().ok()?;
            reader.take(length as usize).ok().map(|part| letter.slice_ref(part))
        };
        let (topic, properties) = (part()?, part()?);
        let payload = letter.slice_ref(reader.take(reader.len()).ok()?);
        let expiry = match at {
            NEVER => None,
            at => {
                let mut seconds = Reader::new(properties.get(at as usize..)?);
                Some(Expiry { seconds: seconds.u32().ok()?, at: at as usize })
            }
        };
        Some(Self { topic, payload, qos, properties, expiry, since: now })
    }

    /// The properties to send at this time, with what is left of the expiry (§3.3.2.3.3); None: it has passed.
    pub(super) fn properties_at(&self, now: Instant) -> Option<Cow<'_, [u8]>> {
        let Some(Expiry { seconds, at }) = self.expiry else { return Some(Cow::Borrowed(&self.properties)) };
        let waited = u32::try_from(now.saturating_duration_since(self.since).as_secs()).unwrap_or(u32::MAX);
        // One of 0 seconds is still sent at once.
        let left = seconds.checked_sub(waited).filter(|&left| left > 0 || waited == 0)?;
        let mut properties = self.properties.to_vec();
        properties[at..at + 4].copy_from_slice(&left.to_be_bytes());
        Some(Cow::Owned(properties))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn command(expiry: Option<Expiry>) -> Delivery {
        Delivery {
            topic: Bytes::from_static(b"vigil/v1/bed-1/down/limits"),
            payload: Bytes::from_static(b"{}"),
            qos: 1,
            properties: Bytes::from_static(b"\x03\0\x01a\x02\0\0\0\x05"),
            expiry,
            since: Instant::now(),
        }
    }

    #[test]
    fn a_letter_opens_as_it_was_sealed() {
        for expiry in [None, Some(Expiry { seconds: 5, at: 5 })] {
            let command = command(expiry);
            assert_eq!(Delivery::open(&command.seal(), command.since), Some(command));
        }
        let letter = command(None).seal();
        for cut in 0..letter.len() - 2 {
            assert_eq!(Delivery::open(&letter.slice(..cut), Instant::now()), None);
        }
    }

    #[test]
    fn what_waited_says_what_is_left_and_then_nothing() {
        let command = command(Some(Expiry { seconds: 5, at: 5 }));
        let left = |seconds| command.properties_at(command.since + Duration::from_secs(seconds)).map(|left| left[8]);
        assert_eq!([left(0), left(2), left(4), left(5), left(600)], [Some(5), Some(3), Some(1), None, None]);
        let for_ever = Delivery { expiry: None, ..command.clone() };
        assert_eq!(for_ever.properties_at(Instant::now()).as_deref(), Some(&command.properties[..]));
    }
}
