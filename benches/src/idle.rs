//! Devices that connect, subscribe to their commands and then only say that they are alive.

use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::mqtt;
use crate::server::Server;
use crate::site::Enrolled;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Transport {
    Plain,
    Tls,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "plain TCP",
            Self::Tls => "TLS 1.3",
        })
    }
}

/// Handshakes at once: below the server's bound, so that none waits in the kernel longer than it is patient.
const AT_ONCE: usize = 256;

pub(crate) struct Ward {
    door: Arc<Door>,
    keep_alive_s: u16,
    /// Each ends only when it fails.
    alive: JoinSet<anyhow::Result<()>>,
}

struct Door {
    broker: SocketAddr,
    tls: Option<TlsConnector>,
    handshakes: Semaphore,
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

impl Ward {
    pub(crate) fn new(
        server: &Server,
        state_dir: &Path,
        transport: Transport,
        keep_alive_s: u16,
    ) -> anyhow::Result<Self> {
        let (broker, tls) = match transport {
            Transport::Plain => (server.mqtt, None),
            Transport::Tls => (server.mqtts, Some(connector(&state_dir.join("tls/server-ca.pem"))?)),
        };
        let door = Arc::new(Door { broker, tls, handshakes: Semaphore::new(AT_ONCE) });
        Ok(Self { door, keep_alive_s, alive: JoinSet::new() })
    }

    /// Ready once all of them are admitted and subscribed.
    pub(crate) async fn connect(&mut self, devices: &[Enrolled]) -> anyhow::Result<()> {
        let mut connecting = JoinSet::new();
        for device in devices.iter().cloned() {
            let (door, keep_alive_s) = (self.door.clone(), self.keep_alive_s);
            connecting
                .spawn(async move { door.enter(&device, keep_alive_s).await.with_context(|| device.name.clone()) });
        }
        while let Some(connected) = connecting.join_next().await {
            self.alive.spawn(keep_alive(connected??, self.keep_alive_s));
        }
        Ok(())
    }

    pub(crate) async fn idle(&mut self, time: Duration) -> anyhow::Result<()> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            Some(ended) = self.alive.join_next() => { ended??; bail!("a device ended") }
        }
    }

    /// Without a goodbye, as when a switch loses power.
    pub(crate) fn cut(&mut self) {
        self.alive = JoinSet::new();
    }
}

impl Door {
    async fn enter(&self, device: &Enrolled, keep_alive_s: u16) -> anyhow::Result<Box<dyn Stream>> {
        let _permit = self.handshakes.acquire().await?;
        let socket = TcpStream::connect(self.broker).await?;
        socket.set_nodelay(true)?;
        let mut stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(socket),
            Some(tls) => Box::new(tls.connect(ServerName::try_from("localhost")?, socket).await?),
        };
        mqtt::admit(&mut stream, device, keep_alive_s).await?;
        stream.write_all(&mqtt::subscribe_down(&device.name, 1)).await?;
        let mut suback = [0; 5];
        stream.read_exact(&mut suback).await?;
        ensure!(suback == [0x90, 3, 0, 1, 0], "subscribed with {suback:?}");
        Ok(stream)
    }
}

async fn keep_alive(mut stream: Box<dyn Stream>, seconds: u16) -> anyhow::Result<()> {
    let pause = Duration::from_secs(u64::from(seconds)).mul_f64(0.8);
    loop {
        tokio::time::sleep(pause).await;
        stream.write_all(&[0xc0, 0]).await?;
        let mut pong = [0; 2];
        stream.read_exact(&mut pong).await?;
        ensure!(pong == [0xd0, 0], "not an answer to PINGREQ: {pong:?}");
    }
}

fn connector(ca: &Path) -> anyhow::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).context("read the authority")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    // Who was cut does the whole handshake again, as after a restart of the server.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}
