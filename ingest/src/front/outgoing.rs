//! What one client subscribed to, and what is on its way to it.

use bytes::BytesMut;
use rumqttd::protocol::matches;
use tokio::time::Instant;

use super::acl::Subject;
use super::codes::Code;
use super::delivery::Delivery;
use super::encode::{self, Message};
use super::packet::Version;
use super::status::Board;
use super::subscribe::{Filter, Replay};

/// Subscriptions a connection may have.
const MAX_SUBSCRIPTIONS: usize = 16;
/// Deliveries at QoS 1 that wait for their PUBACK.
const MAX_IN_FLIGHT: usize = 16;
/// Bytes of deliveries gathered before they are written.
pub(super) const WRITE_AT_ONCE: usize = 64 * 1024;

struct Subscription {
    filter: String,
    subject: Subject,
    qos: u8,
    /// Version of the last status that was sent for it.
    seen: u64,
    /// Statuses up to this version were there before the subscription: they carry the retain flag.
    retained_until: u64,
    /// MQTT 5's Retain As Published.
    as_published: bool,
}

pub(super) struct Outgoing {
    version: Version,
    max_packet: usize,
    limit: usize,
    in_flight: Vec<u16>,
    last_pkid: u16,
    subscriptions: Vec<Subscription>,
}

impl Outgoing {
    pub(super) fn new(version: Version, receive_maximum: u16, max_packet: usize) -> Self {
        let limit = MAX_IN_FLIGHT.min(usize::from(receive_maximum));
        Self { version, max_packet, limit, in_flight: Vec::new(), last_pkid: 0, subscriptions: Vec::new() }
    }

    /// Answers the granted QoS, or the refusal.
    pub(super) fn subscribe(&mut self, filter: &Filter<'_>, subject: Subject, board: &Board) -> u8 {
        let qos = filter.qos.min(1);
        let known = self.subscriptions.iter().position(|subscription| subscription.filter == filter.path);
        if known.is_none() && self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Code::QuotaExceeded.v5();
        }
        let retained_until = board.version();
        let replay = match filter.replay {
            Replay::Always => true,
            Replay::WhenNew => known.is_none(),
            Replay::Never => false,
        };
        let seen = if replay { 0 } else { retained_until };
        let subscription = Subscription {
            filter: filter.path.to_owned(),
            subject,
            qos,
            seen,
            retained_until,
            as_published: filter.as_published,
        };
        match known {
            Some(index) => self.subscriptions[index] = subscription,
            None => self.subscriptions.push(subscription),
        }
        qos
    }

    pub(super) fn unsubscribe(&mut self, filter: &str) -> Code {
        let before = self.subscriptions.len();
        self.subscriptions.retain(|subscription| subscription.filter != filter);
        if self.subscriptions.len() < before { Code::Success } else { Code::NoSubscription }
    }

    pub(super) fn wants_statuses(&self) -> bool {
        self.subscriptions.iter().any(|subscription| matches!(subscription.subject, Subject::Status(_)))
    }

    pub(super) fn has_room(&self) -> bool {
        self.in_flight.len() < self.limit
    }

    /// An identifier that is not in flight is an answer to nothing, and means nothing.
    pub(super) fn acknowledged(&mut self, pkid: u16) {
        self.in_flight.retain(|&waiting| waiting != pkid);
    }

    /// Once, at the highest QoS of the filters that match, and at most at its own.
    pub(super) fn command(&mut self, out: &mut BytesMut, delivery: &Delivery) {
        let Ok(topic) = std::str::from_utf8(&delivery.topic) else { return };
        let matching = self
            .subscriptions
            .iter()
            .filter(|subscription| subscription.subject == Subject::Down && matches(topic, &subscription.filter));
        let Some(granted) = matching.map(|subscription| subscription.qos).max() else { return };
        let Some(properties) = delivery.properties_at(Instant::now()) else {
            metrics::counter!("vigil_mqtt_commands_expired_total").increment(1);
            return;
        };
        let (topic, payload) = (&delivery.topic, &delivery.payload);
        self.publish(
            out,
            Message { topic, properties: &properties, payload, retain: false },
            granted.min(delivery.qos),
        );
    }

    /// True: there is more, once what is in `out` has been written.
    pub(super) fn statuses(&mut self, out: &mut BytesMut, board: &Board) -> bool {
        for index in 0..self.subscriptions.len() {
            while self.has_room() {
                let subscription = &mut self.subscriptions[index];
                let Subject::Status(only) = &subscription.subject else { break };
                let Some(status) = board.after(subscription.seen, only.as_ref()) else { break };
                subscription.seen = status.version;
                if status.payload.is_empty() && status.version <= subscription.retained_until {
                    continue;
                }
                let retain = subscription.as_published || status.version <= subscription.retained_until;
                let qos = subscription.qos.min(status.qos);
                let topic = status.topic.as_bytes();
                self.publish(out, Message { topic, properties: &[], payload: &status.payload, retain }, qos);
                if out.len() >= WRITE_AT_ONCE {
                    return true;
                }
            }
        }
        false
    }

    fn publish(&mut self, out: &mut BytesMut, message: Message<'_>, qos: u8) {
        if message.longest() > self.max_packet {
            metrics::counter!("vigil_mqtt_too_large_for_client_total").increment(1);
            return;
        }
        let pkid = (qos == 1).then(|| self.next_pkid());
        encode::publish(out, self.version, message, pkid);
    }

    fn next_pkid(&mut self) -> u16 {
        loop {
            self.last_pkid = self.last_pkid.checked_add(1).unwrap_or(1);
            if !self.in_flight.contains(&self.last_pkid) {
                self.in_flight.push(self.last_pkid);
                return self.last_pkid;
            }
        }
    }
}
