//! What a client sends after its CONNECT.

use tokio::time::Instant;

use super::acl::Permit;
use super::codes::Code;
use super::delivery::Delivery;
use super::encode;
use super::packet::{self, Frame, Kind, Published};
use super::read;
use super::session::{Answer, Ending, Session};
use super::subscribe;
use crate::pipeline::{Publish, StreamKind};

/// Largest command, properties included: 256 may wait for the router and 64 for each device.
const MAX_COMMAND: usize = 64 * 1024;

impl Session {
    /// Whether another message may be taken: unacknowledged, gathered and refused ones count alike.
    pub(super) fn has_room(&self) -> bool {
        self.window.has_room() && self.window.free() > self.burst.len() + self.answers.len()
    }

    /// Takes every whole packet that was read, as far as the window has room, and hands their messages on together.
    pub(super) fn digest(&mut self) -> Result<(), Ending> {
        let (mut taken, before) = (Ok(()), self.read.len());
        while taken.is_ok() && self.has_room() {
            match packet::next(&mut self.read, self.front.config.max_packet_bytes) {
                Ok(None) => break,
                Ok(Some(frame)) => taken = self.take(frame),
                Err(code) => taken = Err(Ending::Cut(code)),
            }
        }
        if self.read.len() < before {
            // A part of a packet is no sign of life (§3.1.2.10).
            self.last_packet = Instant::now();
        }
        if !self.burst.is_empty() {
            self.front.pipeline.accept(&mut self.burst, &mut self.window);
        }
        if taken.is_ok() && self.exceeds_the_receive_maximum() {
            return Err(Ending::Cut(Code::ReceiveMaximumExceeded));
        }
        taken
    }

    /// MQTT 5 was told the window: whoever publishes at QoS 1 beyond it breaks its word (§4.9). 3.1.1 was not, and waits.
    fn exceeds_the_receive_maximum(&self) -> bool {
        let unacknowledged = (self.accepted - self.acknowledged) as usize + self.answers.len();
        let limit = self.window.len() + self.window.free();
        // At QoS 1, whatever else its flags say.
        let publishes = self.read.first().is_some_and(|first| first & 0xF2 == 0x32);
        publishes && self.version.is_v5() && unacknowledged >= limit
    }

    fn take(&mut self, frame: Frame) -> Result<(), Ending> {
        if self.version.is_v5() && frame.is_padded() {
            return Err(Ending::Cut(Code::Malformed));
        }
        match frame.kind {
            Kind::Publish => self.publish(frame),
            Kind::PubAck => {
                self.outgoing.acknowledged(frame.acknowledged(self.version).map_err(Ending::Cut)?);
                Ok(())
            }
            Kind::PingReq if frame.body().is_empty() => {
                encode::pingresp(&mut self.write);
                Ok(())
            }
            Kind::PingReq => Err(Ending::Cut(Code::Malformed)),
            Kind::Subscribe => self.subscribe(&frame),
            Kind::Unsubscribe => self.unsubscribe(&frame),
            Kind::Disconnect => {
                let goodbye = frame.goodbye(self.version).map_err(Ending::Cut)?;
                // Who wanted no session cannot want one at the end (§3.14.2.2.2).
                match goodbye.wants_session && !self.wants_session {
                    true => Err(Ending::Cut(Code::ProtocolError)),
                    false if goodbye.with_will => Err(Ending::Gone),
                    false => Err(Ending::Left),
                }
            }
            Kind::Connect => Err(Ending::Cut(Code::ProtocolError)),
        }
    }

    fn publish(&mut self, frame: Frame) -> Result<(), Ending> {
        let published = packet::publish(frame, self.version).map_err(Ending::Cut)?;
        let Some(permit) = self.rights.publish(&published.topic, &self.front.pipeline) else {
            return match read::topic(&published.topic) {
                Ok(_) => self.refuse(published.pkid, Code::NotAuthorized),
                Err(code) => Err(Ending::Cut(code)),
            };
        };
        match permit {
            Permit::Telemetry(route) => {
                let Published { payload, json, pkid, .. } = published;
                self.presence.speaks_for(route.device.key);
                if route.stream == StreamKind::Status {
                    self.front.statuses.put(&route.device.name, &payload, u8::from(pkid.is_some()));
                }
                self.accepted += u64::from(pkid.is_some());
                self.burst.push(Publish { route: route.clone(), payload, json, pkid });
                Ok(())
            }
            Permit::Down => self.command(published),
        }
    }

    fn command(&mut self, published: Published) -> Result<(), Ending> {
        let Published { topic, payload, pkid, properties, expiry, .. } = published;
        if properties.len() + payload.len() > MAX_COMMAND {
            return self.refuse(pkid, Code::QuotaExceeded);
        }
        let qos = u8::from(pkid.is_some());
        let command = Delivery { topic, payload, qos, properties, expiry, since: Instant::now() };
        if !self.front.down.publish(&command) {
            return self.refuse(pkid, Code::QuotaExceeded);
        }
        if let Some(pkid) = pkid {
            self.answers.push_back(Answer { after: self.accepted, pkid, code: Code::Success });
        }
        Ok(())
    }

    /// Only MQTT 5 at QoS 1 has a word for it; else the connection is closed.
    fn refuse(&mut self, pkid: Option<u16>, code: Code) -> Result<(), Ending> {
        let Some(pkid) = pkid.filter(|_| self.version.is_v5()) else { return Err(Ending::Cut(code)) };
        self.front.refused(code);
        self.answers.push_back(Answer { after: self.accepted, pkid, code });
        Ok(())
    }

    fn subscribe(&mut self, frame: &Frame) -> Result<(), Ending> {
        let asked = subscribe::subscribe(frame, self.version).map_err(Ending::Cut)?;
        let mut codes = Vec::with_capacity(asked.filters.len());
        for filter in &asked.filters {
            let subject = match self.rights.subscribe(filter.path) {
                _ if asked.with_id => Err(Code::SubscriptionIdNotSupported),
                subject => subject,
            };
            codes.push(match subject {
                Ok(subject) => self.outgoing.subscribe(filter, subject, &self.front.statuses),
                Err(code) => {
                    self.front.refused(code);
                    code.v5()
                }
            });
        }
        encode::suback(&mut self.write, self.version, asked.packet_id, &codes);
        self.watch_statuses();
        Ok(())
    }

    fn unsubscribe(&mut self, frame: &Frame) -> Result<(), Ending> {
        let (packet_id, filters) = subscribe::unsubscribe(frame, self.version).map_err(Ending::Cut)?;
        let codes: Vec<u8> = filters.iter().map(|filter| self.outgoing.unsubscribe(filter).v5()).collect();
        encode::unsuback(&mut self.write, self.version, packet_id, &codes);
        self.watch_statuses();
        Ok(())
    }

    fn watch_statuses(&mut self) {
        let wants = self.outgoing.wants_statuses();
        if wants != self.statuses.is_some() {
            self.statuses = wants.then(|| self.front.statuses.watch());
        }
    }
}
