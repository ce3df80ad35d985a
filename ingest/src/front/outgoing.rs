//! What one client subscribed to, and what is on its way to it.

use bytes::BytesMut;
use rumqttd::protocol::{Filter, RetainForwardRule, matches};

use super::acl::Subject;
use super::codes::Code;
use super::encode;
use super::packet::Version;
use super::registry::Delivery;
use super::status::Board;

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
    pub(super) fn subscribe(&mut self, filter: &Filter, subject: Subject, board: &Board) -> u8 {
        let qos = (filter.qos as u8).min(1);
        let known = self.subscriptions.iter().position(|subscription| subscription.filter == filter.path);
        if known.is_none() && self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            return Code::QuotaExceeded.v5();
        }
        let retained_until = board.version();
        let replay = match filter.retain_forward_rule {
            RetainForwardRule::OnEverySubscribe => true,
            RetainForwardRule::OnNewSubscribe => known.is_none(),
            RetainForwardRule::Never => false,
        };
        let seen = if replay { 0 } else { retained_until };
        let subscription = Subscription {
            filter: filter.path.clone(),
            subject,
            qos,
            seen,
            retained_until,
            as_published: filter.preserve_retain,
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

    /// Once, at the highest QoS of the filters that match.
    pub(super) fn command(&mut self, out: &mut BytesMut, delivery: &Delivery) {
        let Ok(topic) = std::str::from_utf8(&delivery.topic) else { return };
        let matching = self
            .subscriptions
            .iter()
            .filter(|subscription| subscription.subject == Subject::Down && matches(topic, &subscription.filter));
        if let Some(qos) = matching.map(|subscription| subscription.qos).max() {
            self.publish(out, &delivery.topic, &delivery.payload, qos, false);
        }
    }

    /// True: there is more, once what is in `out` has been written.
    pub(super) fn statuses(&mut self, out: &mut BytesMut, board: &Board) -> bool {
        for index in 0..self.subscriptions.len() {
            while self.has_room() {
                let subscription = &mut self.subscriptions[index];
                let Subject::Status(only) = &subscription.subject else { break };
                let Some(status) = board.after(subscription.seen, only.as_ref()) else { break };
                subscription.seen = status.version;
                let retain = subscription.as_published || status.version <= subscription.retained_until;
                let qos = subscription.qos;
                self.publish(out, status.topic.as_bytes(), &status.payload, qos, retain);
                if out.len() >= WRITE_AT_ONCE {
                    return true;
                }
            }
        }
        false
    }

    fn publish(&mut self, out: &mut BytesMut, topic: &[u8], payload: &[u8], qos: u8, retain: bool) {
        if encode::publish_len(topic, payload) > self.max_packet {
            metrics::counter!("vigil_mqtt_too_large_for_client_total").increment(1);
            return;
        }
        let pkid = (qos == 1).then(|| self.next_pkid());
        encode::publish(out, self.version, topic, payload, pkid, retain);
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
