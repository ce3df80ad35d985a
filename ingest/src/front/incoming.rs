//! What a client sends after its CONNECT.

use rumqttd::protocol::Packet;

use super::acl::Permit;
use super::codes::Code;
use super::encode;
use super::packet::{self, Frame, Kind};
use super::session::{Answer, Ending, Session};
use crate::pipeline::{Publish, StreamKind};

/// Filters of one SUBSCRIBE or UNSUBSCRIBE: more than a connection may have.
const MAX_FILTERS: usize = 32;

impl Session {
    /// Whether another message may be taken: unacknowledged, gathered and refused ones count alike.
    pub(super) fn has_room(&self) -> bool {
        self.window.has_room() && self.window.free() > self.burst.len() + self.answers.len()
    }

    /// Takes every whole packet that was read, as far as the window has room, and hands their messages on together.
    pub(super) fn digest(&mut self) -> Result<(), Ending> {
        let mut taken = Ok(());
        while taken.is_ok() && self.has_room() {
            match packet::next(&mut self.read, self.front.config.max_packet_bytes) {
                Ok(None) => break,
                Ok(Some(frame)) => taken = self.take(frame),
                Err(code) => taken = Err(Ending::Cut(code)),
            }
        }
        if !self.burst.is_empty() {
            self.front.pipeline.accept(&mut self.burst, &mut self.window);
        }
        taken
    }

    fn take(&mut self, frame: Frame) -> Result<(), Ending> {
        match frame.kind {
            Kind::Publish => self.publish(frame),
            Kind::PubAck => {
                self.outgoing.acknowledged(frame.pkid().map_err(Ending::Cut)?);
                Ok(())
            }
            Kind::PingReq => {
                encode::pingresp(&mut self.write);
                Ok(())
            }
            Kind::Subscribe | Kind::Unsubscribe => self.subscriptions(frame),
            Kind::Disconnect if frame.with_will(self.version) => Err(Ending::Gone),
            Kind::Disconnect => Err(Ending::Left),
            Kind::Connect => Err(Ending::Cut(Code::ProtocolError)),
        }
    }

    fn publish(&mut self, frame: Frame) -> Result<(), Ending> {
        let published = packet::publish(frame, self.version).map_err(Ending::Cut)?;
        let Some(permit) = self.rights.publish(&published.topic) else {
            return self.refuse(published.pkid, Code::NotAuthorized);
        };
        match permit {
            Permit::Telemetry { device, stream, topic } => {
                let publish = Publish {
                    device: device.clone(),
                    stream: stream.clone(),
                    topic: topic.clone(),
                    payload: published.payload,
                    json: published.json,
                    pkid: published.pkid,
                };
                self.presence.speaks_for(device.key);
                if publish.stream == StreamKind::Status {
                    self.front.statuses.put(&publish.device.name, &publish.payload);
                }
                self.accepted += u64::from(publish.pkid.is_some());
                self.burst.push(publish);
                Ok(())
            }
            Permit::Down => {
                // Copies: a slice would keep the read buffer alive in the router's log.
                let (topic, payload) = (published.topic.to_vec().into(), published.payload.to_vec().into());
                if !self.front.down.publish(topic, payload) {
                    return self.refuse(published.pkid, Code::QuotaExceeded);
                }
                if let Some(pkid) = published.pkid {
                    self.answers.push_back(Answer { after: self.accepted, pkid, code: Code::Success });
                }
                Ok(())
            }
        }
    }

    /// Only MQTT 5 at QoS 1 has a word for it; else the connection is closed.
    fn refuse(&mut self, pkid: Option<u16>, code: Code) -> Result<(), Ending> {
        let Some(pkid) = pkid.filter(|_| self.version.is_v5()) else { return Err(Ending::Cut(code)) };
        self.front.refused(code);
        self.answers.push_back(Answer { after: self.accepted, pkid, code });
        Ok(())
    }

    fn subscriptions(&mut self, frame: Frame) -> Result<(), Ending> {
        match frame.decode(self.version).map_err(Ending::Cut)? {
            Packet::Subscribe(subscribe, properties) => {
                if subscribe.pkid == 0 || subscribe.filters.len() > MAX_FILTERS {
                    return Err(Ending::Cut(Code::ProtocolError));
                }
                let with_id = properties.is_some_and(|properties| properties.id.is_some());
                let mut codes = Vec::with_capacity(subscribe.filters.len());
                for filter in &subscribe.filters {
                    let subject = match self.rights.subscribe(&filter.path) {
                        _ if with_id => Err(Code::SubscriptionIdNotSupported),
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
                encode::suback(&mut self.write, self.version, subscribe.pkid, &codes);
            }
            Packet::Unsubscribe(unsubscribe, _) => {
                let count = unsubscribe.filters.len();
                if unsubscribe.pkid == 0 || count == 0 || count > MAX_FILTERS {
                    return Err(Ending::Cut(Code::ProtocolError));
                }
                let codes: Vec<u8> =
                    unsubscribe.filters.iter().map(|filter| self.outgoing.unsubscribe(filter).v5()).collect();
                encode::unsuback(&mut self.write, self.version, unsubscribe.pkid, &codes);
            }
            _ => return Err(Ending::Cut(Code::ProtocolError)),
        }
        let wants = self.outgoing.wants_statuses();
        if wants != self.statuses.is_some() {
            self.statuses = wants.then(|| self.front.statuses.watch());
        }
        Ok(())
    }
}
