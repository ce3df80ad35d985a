//! Devices that send pre-built packets as fast as their window lets them, and count what is acknowledged.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{BufRead, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vitals::{Clock, Timestamp};

use crate::dataset::{self, Packets};
use crate::machine;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[arg(long)]
    broker: SocketAddr,
    /// Lines of `device secret`; the first ones connect.
    #[arg(long)]
    credentials: PathBuf,
    #[arg(long)]
    connections: usize,
    /// Frames each connection sends.
    #[arg(long)]
    frames: usize,
    #[arg(long)]
    window: usize,
    /// Event time between two frames of a device.
    #[arg(long)]
    spacing_us: i64,
}

/// Told on standard output, for the bench.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(crate) acknowledged: u64,
    pub(crate) seconds: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) max_ms: f64,
    /// From the first frame sent to the last acknowledgement: building the packets is not in it.
    pub(crate) cpu_seconds: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    // One thread: the load must leave the processors to what is measured.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio::task::LocalSet::new().block_on(&runtime, all(arguments))
}

async fn all(arguments: &Arguments) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(&arguments.credentials).context("read the credentials")?;
    let devices: Vec<_> = text.lines().filter_map(|line| line.split_once(' ')).take(arguments.connections).collect();
    ensure!(
        devices.len() == arguments.connections,
        "{} credentials for {} connections",
        devices.len(),
        arguments.connections
    );
    let start = Clock::system().now();
    let mut connections = Vec::new();
    for (device, secret) in devices {
        let socket = connect(arguments.broker, device, secret).await.with_context(|| format!("connect {device}"))?;
        connections.push((socket, dataset::packets(device, arguments.frames, start, arguments.spacing_us)));
    }
    let mut out = std::io::stdout();
    writeln!(out, "ready")?;
    out.flush()?;
    // The start signal: a line on standard input.
    std::io::stdin().lock().read_line(&mut String::new())?;

    let late = Clock::system().now().millis_since(Timestamp::from_micros(start.micros()));
    ensure!(late < 10_000, "connecting took {late} ms: the frames would no longer be live");
    let latencies = Rc::new(RefCell::new(Histogram::<u64>::new_with_bounds(1, 600_000_000, 3)?));
    let (begin, cpu) = (Instant::now(), machine::cpu_seconds(std::process::id()));
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|(socket, packets)| tokio::task::spawn_local(send(socket, packets, arguments.window, latencies.clone())))
        .collect();
    for task in tasks {
        task.await??;
    }
    let latencies = latencies.borrow();
    let ms = |micros: u64| micros as f64 / 1_000.0;
    let told = Told {
        acknowledged: latencies.len(),
        seconds: begin.elapsed().as_secs_f64(),
        p50_ms: ms(latencies.value_at_quantile(0.5)),
        p99_ms: ms(latencies.value_at_quantile(0.99)),
        max_ms: ms(latencies.max()),
        cpu_seconds: machine::cpu_seconds(std::process::id()) - cpu,
    };
    writeln!(out, "{}", serde_json::to_string(&told)?)?;
    Ok(())
}

async fn connect(broker: SocketAddr, device: &str, secret: &str) -> anyhow::Result<TcpStream> {
    let mut socket = TcpStream::connect(broker).await?;
    socket.set_nodelay(true)?;
    socket.write_all(&dataset::connect(device, secret, 60)).await?;
    let mut connack = [0; 4];
    socket.read_exact(&mut connack).await?;
    ensure!(connack == [0x20, 2, 0, 0], "refused with {connack:?}");
    Ok(socket)
}

async fn send(
    mut socket: TcpStream,
    packets: Packets,
    window: usize,
    latencies: Rc<RefCell<Histogram<u64>>>,
) -> anyhow::Result<()> {
    let frames = packets.begins.len() - 1;
    let (mut next, mut acknowledged) = (0, 0);
    let mut sent: VecDeque<Instant> = VecDeque::with_capacity(window);
    let mut buffer = [0; 4 * 64];
    let mut filled = 0;
    while acknowledged < frames {
        let until = frames.min(acknowledged + window);
        if next < until {
            let now = Instant::now();
            sent.extend((next..until).map(|_| now));
            let (from, to) = (packets.begins[next] as usize, packets.begins[until] as usize);
            socket.write_all(&packets.bytes[from..to]).await?;
            next = until;
        }
        let read = socket.read(&mut buffer[filled..]).await?;
        if read == 0 {
            bail!("closed after {acknowledged} acknowledgements");
        }
        filled += read;
        let now = Instant::now();
        let mut latencies = latencies.borrow_mut();
        let whole = filled / 4 * 4;
        for puback in buffer[..whole].chunks_exact(4) {
            let [high, low] = dataset::identifier(acknowledged).to_be_bytes();
            ensure!(puback == [0x40, 2, high, low], "acknowledged out of order: {puback:?} as number {acknowledged}");
            let sent = sent.pop_front().context("acknowledged before it was sent")?;
            latencies.saturating_record(now.duration_since(sent).as_micros() as u64);
            acknowledged += 1;
        }
        buffer.copy_within(whole..filled, 0);
        filled -= whole;
    }
    socket.write_all(&[0xe0, 0]).await?;
    Ok(())
}
