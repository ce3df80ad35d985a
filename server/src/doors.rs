//! Where devices and screens come in: bound once, whoever answers there.

use std::fmt;
use std::net::SocketAddr;

use anyhow::Context;
use ingest::front::Listener;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::tls::Tls;

pub(crate) struct Doors {
    pub(crate) devices: Vec<Listener>,
    pub(crate) screens: TcpListener,
    addresses: [SocketAddr; 3],
}

impl Doors {
    pub(crate) async fn open(config: &Config, tls: &Tls) -> anyhow::Result<Self> {
        let acceptor = tls.acceptor().context("read the certificates")?;
        let (mqtt, mqtts, http) = (config.mqtt.listen, config.mqtt.tls_listen, config.http.listen);
        let mqtt = Listener::bind(mqtt, None).with_context(|| cannot("mqtt", mqtt))?;
        let mqtts = Listener::bind(mqtts, Some(acceptor)).with_context(|| cannot("mqtts", mqtts))?;
        let screens = TcpListener::bind(http).await.with_context(|| cannot("http", http))?;
        let addresses = [mqtt.socket.local_addr()?, mqtts.socket.local_addr()?, screens.local_addr()?];
        let devices = vec![mqtt, mqtts];
        Ok(Self { devices, screens, addresses })
    }
}

impl fmt::Display for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mqtt, mqtts, portal] = self.addresses;
        write!(f, "mqtt {mqtt}\nmqtts {mqtts}\nportal http://{portal}/")
    }
}

fn cannot(what: &str, address: SocketAddr) -> String {
    format!("listen for {what} on {address}")
}
