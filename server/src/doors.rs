//! Where devices and screens come in: bound once, whoever answers there.

use std::fmt;
use std::net::SocketAddr;

use anyhow::Context;
use ingest::front::Listener;
use portal::Transport;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::tls::Tls;

pub(crate) struct Doors {
    pub(crate) devices: Vec<Listener>,
    pub(crate) screens: TcpListener,
    pub(crate) transport: Transport,
    /// Taken by whoever serves it, active or standby.
    pub(crate) metrics: Option<TcpListener>,
    addresses: [SocketAddr; 4],
}

impl Doors {
    pub(crate) async fn open(config: &Config, tls: &Tls) -> anyhow::Result<Self> {
        let acceptor = tls.acceptor().context("read the certificates")?;
        let transport = tls.transport().context("read the portal's certificate")?;
        let (mqtt, mqtts, http) = (config.mqtt.listen, config.mqtt.tls_listen, config.http.listen);
        let mqtt = Listener::bind(mqtt, None).with_context(|| cannot("mqtt", mqtt))?;
        let mqtts = Listener::bind(mqtts, Some(acceptor)).with_context(|| cannot("mqtts", mqtts))?;
        let screens = TcpListener::bind(http).await.with_context(|| cannot("http", http))?;
        let metrics = config.metrics.listen;
        let metrics = TcpListener::bind(metrics).await.with_context(|| cannot("metrics", metrics))?;
        let [mqtt_at, mqtts_at] = [mqtt.socket.local_addr()?, mqtts.socket.local_addr()?];
        let addresses = [mqtt_at, mqtts_at, screens.local_addr()?, metrics.local_addr()?];
        Ok(Self { devices: vec![mqtt, mqtts], screens, transport, metrics: Some(metrics), addresses })
    }
}

impl fmt::Display for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mqtt, mqtts, portal, metrics] = self.addresses;
        let [screens, scrapers] = [
            if matches!(self.transport, Transport::Plain) { "http" } else { "https" },
            if metrics.ip().is_loopback() { "http" } else { "https" },
        ];
        write!(f, "mqtt {mqtt}\nmqtts {mqtts}\nportal {screens}://{portal}/\nmetrics {scrapers}://{metrics}/metrics")
    }
}

fn cannot(what: &str, address: SocketAddr) -> String {
    format!("listen for {what} on {address}")
}
