//! One connection over either version of MQTT. rumqttc's event loops do not survive a lost connection well
//! (reference/mqtt.md §7), so each is used for one connection and thrown away.

use std::sync::Arc;
use std::time::Duration;

use rumqttc::v5;
use rumqttc::{ConnectReturnCode, Event, Outgoing, Packet, QoS, TlsConfiguration, Transport};

use crate::args::Broker;

/// A broker that is silent for longer is gone.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Bytes of a packet: the largest array of frames that `--batch` allows fits.
const MAX_PACKET: usize = 1024 * 1024;

/// Messages apart from frames that may stand in the way: status on arrival, status and DISCONNECT on leaving.
const EXTRA: u16 = 4;

/// Where to connect, and as whom.
#[derive(Clone)]
pub(crate) struct Dial {
    pub(crate) broker: Broker,
    pub(crate) tls: Option<Arc<rustls::ClientConfig>>,
    pub(crate) five: bool,
    pub(crate) client_id: String,
    pub(crate) secret: Option<String>,
    /// Topic and payload, published for us when the connection is lost.
    pub(crate) will: (String, String),
    pub(crate) window: u16,
}

/// The end of a connection that publishes.
pub(crate) enum Post {
    Three(rumqttc::AsyncClient),
    Five(v5::AsyncClient),
}

/// The end of a connection that says what happened.
pub(crate) enum Line {
    Three(Box<rumqttc::EventLoop>),
    Five(Box<v5::EventLoop>),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Happened {
    Connected,
    /// The next publish in order is on the wire under this packet identifier, 0 at QoS 0.
    Sent(u16),
    Acknowledged(u16),
    /// Version 5 only: the broker says no, with this reason.
    Refused(u16, String),
    /// Our DISCONNECT is on the wire.
    Left,
    Nothing,
}

impl Dial {
    pub(crate) fn open(&self) -> (Post, Line) {
        if self.five { self.open_five() } else { self.open_three() }
    }

    fn transport(&self) -> Transport {
        match &self.tls {
            Some(tls) => Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())),
            None => Transport::tcp(),
        }
    }

    fn open_three(&self) -> (Post, Line) {
        let mut options = rumqttc::MqttOptions::new(&self.client_id, &self.broker.host, self.broker.port);
        let (topic, payload) = &self.will;
        options
            .set_transport(self.transport())
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_session(true)
            .set_inflight(self.window + EXTRA)
            .set_max_packet_size(MAX_PACKET, MAX_PACKET)
            .set_last_will(rumqttc::LastWill::new(topic, payload.as_bytes(), QoS::AtLeastOnce, true));
        if let Some(secret) = &self.secret {
            options.set_credentials(&self.client_id, secret);
        }
        let (client, mut events) = rumqttc::AsyncClient::new(options, usize::from(self.window + EXTRA));
        events.network_options.set_tcp_nodelay(true);
        (Post::Three(client), Line::Three(Box::new(events)))
    }

    fn open_five(&self) -> (Post, Line) {
        let mut options = v5::MqttOptions::new(&self.client_id, &self.broker.host, self.broker.port);
        let (topic, payload) = &self.will;
        let will =
            v5::mqttbytes::v5::LastWill::new(topic, payload.clone(), v5::mqttbytes::QoS::AtLeastOnce, true, None);
        let mut network = rumqttc::NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options
            .set_transport(self.transport())
            .set_keep_alive(KEEP_ALIVE)
            .set_clean_start(true)
            .set_outgoing_inflight_upper_limit(self.window + EXTRA)
            .set_network_options(network)
            .set_last_will(will);
        if let Some(secret) = &self.secret {
            options.set_credentials(&self.client_id, secret);
        }
        let (client, events) = v5::AsyncClient::new(options, usize::from(self.window + EXTRA));
        (Post::Five(client), Line::Five(Box::new(events)))
    }
}

impl Post {
    /// Queues a message without waiting. False: the queue is full.
    pub(crate) fn publish(&self, topic: &str, qos: u8, retain: bool, payload: Vec<u8>) -> bool {
        match self {
            Self::Three(client) => {
                let qos = if qos == 0 { QoS::AtMostOnce } else { QoS::AtLeastOnce };
                client.try_publish(topic, qos, retain, payload).is_ok()
            }
            Self::Five(client) => {
                let qos = if qos == 0 { v5::mqttbytes::QoS::AtMostOnce } else { v5::mqttbytes::QoS::AtLeastOnce };
                client.try_publish(topic, qos, retain, payload).is_ok()
            }
        }
    }

    pub(crate) fn leave(&self) -> bool {
        match self {
            Self::Three(client) => client.try_disconnect().is_ok(),
            Self::Five(client) => client.try_disconnect().is_ok(),
        }
    }
}

impl Line {
    /// Connects on the first call. After an error the line is dead.
    pub(crate) async fn next(&mut self) -> anyhow::Result<Happened> {
        Ok(match self {
            Self::Three(events) => match events.poll().await? {
                Event::Incoming(Packet::ConnAck(connack)) if connack.code == ConnectReturnCode::Success => {
                    Happened::Connected
                }
                Event::Incoming(Packet::PubAck(puback)) => Happened::Acknowledged(puback.pkid),
                Event::Outgoing(outgoing) => sent(&outgoing),
                Event::Incoming(_) => Happened::Nothing,
            },
            Self::Five(events) => match events.poll().await? {
                v5::Event::Incoming(v5::mqttbytes::v5::Packet::ConnAck(_)) => Happened::Connected,
                v5::Event::Incoming(v5::mqttbytes::v5::Packet::PubAck(puback)) => {
                    use v5::mqttbytes::v5::PubAckReason::{NoMatchingSubscribers, Success};
                    match puback.reason {
                        Success | NoMatchingSubscribers => Happened::Acknowledged(puback.pkid),
                        reason => Happened::Refused(puback.pkid, format!("{reason:?}")),
                    }
                }
                v5::Event::Outgoing(outgoing) => sent(&outgoing),
                v5::Event::Incoming(_) => Happened::Nothing,
            },
        })
    }
}

fn sent(outgoing: &Outgoing) -> Happened {
    match outgoing {
        Outgoing::Publish(packet) => Happened::Sent(*packet),
        Outgoing::Disconnect => Happened::Left,
        _ => Happened::Nothing,
    }
}
