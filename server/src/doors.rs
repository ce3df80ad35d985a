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
        let mqtt = bind("mqtt", config.mqtt.listen).await?;
        let mqtts = bind("mqtts", config.mqtt.tls_listen).await?;
        let screens = bind("http", config.http.listen).await?;
        let addresses = [mqtt.local_addr()?, mqtts.local_addr()?, screens.local_addr()?];
        let acceptor = tls.acceptor().context("read the certificates")?;
        let devices = vec![Listener { socket: mqtt, tls: None }, Listener { socket: mqtts, tls: Some(acceptor) }];
        Ok(Self { devices, screens, addresses })
    }
}

impl fmt::Display for Doors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mqtt, mqtts, portal] = self.addresses;
        write!(f, "mqtt {mqtt}\nmqtts {mqtts}\nportal http://{portal}/")
    }
}

async fn bind(what: &str, address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("listen for {what} on {address}"))
}
