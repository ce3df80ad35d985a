//! Devices that connect, subscribe to their commands and then only say that they are alive.

use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::dataset;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    broker: SocketAddr,
    /// Lines of `device secret`; the first ones connect.
    #[arg(long)]
    credentials: PathBuf,
    #[arg(long)]
    connections: usize,
    #[arg(long)]
    keep_alive_s: u16,
    /// Over TLS, with this authority.
    #[arg(long)]
    ca: Option<PathBuf>,
}

/// Handshakes at once: below the server's bound, so that none waits in the kernel longer than it is patient.
const AT_ONCE: usize = 256;

struct Site {
    arguments: Arguments,
    tls: Option<TlsConnector>,
    handshakes: Semaphore,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<()> {
    let tls = arguments.ca.as_ref().map(connector).transpose()?;
    let site = Rc::new(Site { arguments, tls, handshakes: Semaphore::new(AT_ONCE) });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, all(site))
}

fn connector(ca: &PathBuf) -> anyhow::Result<TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(ca).context("read the authority")?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    // A device that was cut does the whole handshake again, as after a restart of the server.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn all(site: Rc<Site>) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&site.arguments.credentials).context("read the credentials")?;
    let devices: Vec<(String, String)> = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .take(site.arguments.connections)
        .map(|(device, secret)| (device.to_owned(), secret.to_owned()))
        .collect();
    ensure!(devices.len() == site.arguments.connections, "too few credentials");
    let (mut words, mut listener) = (tokio::task::spawn_blocking(word), None);
    loop {
        // Cut without a goodbye, as a switch that loses power does.
        drop(listener.take());
        let (stop, until) = watch::channel(());
        let begin = Instant::now();
        let mut connecting = JoinSet::new();
        for (device, secret) in devices.clone() {
            let site = site.clone();
            connecting.spawn_local(async move { site.connect(&device, &secret).await.context(device) });
        }
        let mut streams = Vec::with_capacity(devices.len());
        while let Some(connected) = connecting.join_next().await {
            streams.push(connected??);
        }
        println!("{}", begin.elapsed().as_secs_f64());
        std::io::stdout().flush()?;
        let mut alive = JoinSet::new();
        for stream in streams {
            alive.spawn_local(keep_alive(stream, site.arguments.keep_alive_s, until.clone()));
        }
        listener = Some((alive, stop));
        let alive = &mut listener.as_mut().expect("it was just put there").0;
        let word = tokio::select! {
            word = &mut words => word??,
            Some(ended) = alive.join_next() => { ended??; bail!("a device ended") }
        };
        if word == "end" {
            return Ok(());
        }
        words = tokio::task::spawn_blocking(self::word);
    }
}

fn word() -> anyhow::Result<String> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim().to_owned())
}

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

impl Site {
    async fn connect(&self, device: &str, secret: &str) -> anyhow::Result<Box<dyn Stream>> {
        let _permit = self.handshakes.acquire().await?;
        let socket = TcpStream::connect(self.arguments.broker).await?;
        socket.set_nodelay(true)?;
        let mut stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(socket),
            Some(tls) => Box::new(tls.connect(ServerName::try_from("localhost")?, socket).await?),
        };
        stream.write_all(&dataset::connect(device, secret, self.arguments.keep_alive_s)).await?;
        let mut connack = [0; 4];
        stream.read_exact(&mut connack).await?;
        ensure!(connack == [0x20, 2, 0, 0], "refused with {connack:?}");
        stream.write_all(&dataset::subscribe(&format!("vigil/v1/{device}/down/#"))).await?;
        let mut suback = [0; 5];
        stream.read_exact(&mut suback).await?;
        ensure!(suback == [0x90, 3, 0, 1, 1], "subscribed with {suback:?}");
        Ok(stream)
    }
}

async fn keep_alive(mut stream: Box<dyn Stream>, seconds: u16, mut until: watch::Receiver<()>) -> anyhow::Result<()> {
    let pause = Duration::from_secs(u64::from(seconds)).mul_f64(0.8);
    loop {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = until.changed() => return Ok(()),
        }
        stream.write_all(&[0xc0, 0]).await?;
        let mut pong = [0; 2];
        stream.read_exact(&mut pong).await?;
        ensure!(pong == [0xd0, 0], "not an answer to PINGREQ: {pong:?}");
    }
}
