//! One device of the load.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Interval, MissedTickBehavior};
use vitals::{Clock, Timestamp};

use crate::dataset::Packets;
use crate::load::{Plan, Shared, Source};
use crate::mqtt;
use crate::site::Enrolled;

/// A paced device sends what it has measured so often: bursts of a few frames, as they come at full load too.
const BURST: Duration = Duration::from_millis(50);

/// Between two attempts to come back.
const RETRY: Duration = Duration::from_millis(100);

/// How long a server may be away.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Sender {
    device: Enrolled,
    number: usize,
    broker: std::net::SocketAddr,
    window: usize,
    returns: bool,
    measuring: Measuring,
    packets: Packets,
    /// Measured and not acknowledged, oldest first.
    pending: VecDeque<Timestamp>,
    acknowledged: usize,
    socket: Option<TcpStream>,
    bursts: Option<Interval>,
    clock: Clock,
    shared: Arc<Shared>,
}

/// Where a device's frames come from.
enum Measuring {
    Fast { left: Option<usize>, last: Timestamp },
    Paced { next: Timestamp, spacing_us: i64, phase_us: i64 },
    Again { frames: Arc<Vec<Vec<Timestamp>>>, next: usize },
}

impl Measuring {
    fn new(plan: &Plan, number: usize) -> Self {
        let never = Timestamp::from_micros(i64::MIN);
        match &plan.source {
            Source::Fast(left) => Self::Fast { left: *left, last: never },
            Source::Paced(frames_per_s) => {
                let devices = plan.devices.len();
                let spacing_us = (devices as f64 * 1e6 / frames_per_s).max(1.0) as i64;
                // Side by side, not in step.
                Self::Paced { next: never, spacing_us, phase_us: spacing_us * number as i64 / devices as i64 }
            }
            Source::Again(frames) => Self::Again { frames: frames.clone(), next: 0 },
        }
    }

    fn begin(&mut self, start: Timestamp) {
        if let Self::Paced { next, phase_us, .. } = self {
            *next = start.plus_micros(*phase_us);
        }
    }

    /// The next frame's time, if there is one by `now`. Times of a device rise strictly.
    fn next(&mut self, number: usize, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Fast { left: Some(0), .. } => None,
            Self::Fast { left, last } => {
                *left = left.map(|left| left - 1);
                *last = now.max(last.plus_micros(1));
                Some(*last)
            }
            Self::Paced { next, .. } if *next > now => None,
            Self::Paced { next, spacing_us, .. } => Some(std::mem::replace(next, next.plus_micros(*spacing_us))),
            Self::Again { frames, next } => {
                *next += 1;
                frames[number].get(*next - 1).copied()
            }
        }
    }

    fn finished(&self, number: usize) -> bool {
        match self {
            Self::Fast { left, .. } => *left == Some(0),
            Self::Paced { .. } => false,
            Self::Again { frames, next } => *next >= frames[number].len(),
        }
    }
}

impl Sender {
    pub(crate) async fn connect(
        plan: &Plan,
        number: usize,
        shared: &Arc<Shared>,
        clock: &Clock,
    ) -> anyhow::Result<Self> {
        let device = plan.devices[number].clone();
        let socket = mqtt::open(plan.broker, &device).await.with_context(|| format!("connect {}", device.name))?;
        let bursts = matches!(plan.source, Source::Paced(_)).then(|| {
            let phase = BURST.mul_f64(number as f64 / plan.devices.len() as f64);
            let mut bursts = tokio::time::interval_at(tokio::time::Instant::now() + phase, BURST);
            bursts.set_missed_tick_behavior(MissedTickBehavior::Skip);
            bursts
        });
        Ok(Self {
            number,
            broker: plan.broker,
            window: plan.window,
            returns: plan.returns,
            measuring: Measuring::new(plan, number),
            packets: Packets::new(&device.name),
            device,
            pending: VecDeque::with_capacity(plan.window),
            acknowledged: 0,
            socket: Some(socket),
            bursts,
            clock: clock.clone(),
            shared: shared.clone(),
        })
    }

    /// Until there is nothing more to measure and everything is acknowledged.
    pub(crate) async fn run(mut self, start: Timestamp) -> anyhow::Result<()> {
        self.measuring.begin(start);
        loop {
            let socket = match self.socket.take() {
                Some(socket) => socket,
                None => self.come_back().await.with_context(|| format!("bring {} back", self.device.name))?,
            };
            self.shared.connected.fetch_add(1, Ordering::Relaxed);
            let talked = self.talk(socket).await;
            self.shared.connected.fetch_sub(1, Ordering::Relaxed);
            match talked {
                Ok(outcome) => return outcome.context(self.device.name),
                Err(lost) if !self.returns => return Err(lost).context(self.device.name),
                Err(_) => self.shared.lost.fetch_add(1, Ordering::Relaxed),
            };
        }
    }

    async fn come_back(&self) -> anyhow::Result<TcpStream> {
        let begin = Instant::now();
        loop {
            match mqtt::open(self.broker, &self.device).await {
                Ok(socket) => return Ok(socket),
                Err(error) if begin.elapsed() > PATIENCE => return Err(error),
                Err(_) => tokio::time::sleep(RETRY).await,
            }
        }
    }

    /// An error outside: the connection is lost. Inside: the server said what no server may say.
    async fn talk(&mut self, mut socket: TcpStream) -> io::Result<anyhow::Result<()>> {
        let mut sent: VecDeque<Instant> = VecDeque::with_capacity(self.window);
        let mut buffer = [0; mqtt::ACK * 64];
        let (mut filled, mut out, mut fill) = (0, Vec::new(), true);
        loop {
            if fill {
                self.measure();
                self.send(&mut socket, &mut sent, &mut out).await?;
            }
            if self.pending.is_empty() && (self.shared.stopping() || self.measuring.finished(self.number)) {
                socket.write_all(&mqtt::DISCONNECT).await?;
                return Ok(Ok(()));
            }
            let read = tokio::select! {
                read = socket.read(&mut buffer[filled..]) => read?,
                () = tick(&mut self.bursts) => {
                    fill = true;
                    continue;
                }
            };
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            filled += read;
            let whole = filled / mqtt::ACK * mqtt::ACK;
            if let Err(error) = self.take(&buffer[..whole], &mut sent) {
                return Ok(Err(error));
            }
            buffer.copy_within(whole..filled, 0);
            filled -= whole;
            fill = self.bursts.is_none();
        }
    }

    fn measure(&mut self) {
        if self.shared.stopping() {
            return;
        }
        let now = self.clock.now();
        while self.pending.len() < self.window
            && let Some(at) = self.measuring.next(self.number, now)
        {
            self.pending.push_back(at);
        }
    }

    /// Sends what is pending and was not sent on this connection.
    async fn send(
        &mut self,
        socket: &mut TcpStream,
        sent: &mut VecDeque<Instant>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        if sent.len() == self.pending.len() {
            return Ok(());
        }
        out.clear();
        for place in sent.len()..self.pending.len() {
            let index = self.acknowledged + place;
            self.packets.write(index, self.pending[place], mqtt::identifier(index), out);
        }
        sent.resize(self.pending.len(), Instant::now());
        socket.write_all(out).await
    }

    fn take(&mut self, acks: &[u8], sent: &mut VecDeque<Instant>) -> anyhow::Result<()> {
        let count = acks.len() / mqtt::ACK;
        for (place, ack) in acks.chunks_exact(mqtt::ACK).enumerate() {
            let expected = mqtt::puback(mqtt::identifier(self.acknowledged + place));
            ensure!(*ack == expected, "acknowledged out of order: {ack:?} as number {}", self.acknowledged + place);
        }
        ensure!(count <= sent.len(), "acknowledged before it was sent");
        self.shared.acknowledge(self.number, self.pending.drain(..count).zip(sent.drain(..count)));
        self.acknowledged += count;
        Ok(())
    }
}

async fn tick(bursts: &mut Option<Interval>) {
    match bursts {
        Some(bursts) => drop(bursts.tick().await),
        None => std::future::pending().await,
    }
}
