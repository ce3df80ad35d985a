use std::collections::{HashMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::time::{Instant, Interval, sleep_until};
use tokio_util::sync::CancellationToken;
use vitals::{Clock, Timestamp, wire};

use crate::link::{Dial, Happened, Post};
use crate::outbox::Outbox;
use crate::physiology::{Patient, Strain};
use crate::random::Random;
use crate::report::Report;
use crate::scenario::Act;

/// For the last status and DISCONNECT to reach the wire.
const GOODBYE: Duration = Duration::from_secs(2);

const FIRST_RETRY: Duration = Duration::from_millis(200);
const LONGEST_RETRY: Duration = Duration::from_secs(5);

/// 2036-02-07T06:28:16Z: where a 32-bit NTP clock rolls over.
const ROLL_OVER: Timestamp = Timestamp::from_millis(2_085_978_496_000);

pub(crate) struct Device {
    pub(crate) dial: Dial,
    pub(crate) qos: u8,
    /// Seconds between two frames, and how much faster the patient lives.
    pub(crate) period_s: f64,
    pub(crate) speed: f64,
    /// Frames in a message.
    pub(crate) batch: usize,
    /// How long outstanding PUBACKs are waited for once no more frames are made.
    pub(crate) patience: Duration,
    pub(crate) acts: Vec<Act>,
    pub(crate) patient: Patient,
    /// Apart from the patient's, so that a lost connection changes nobody's numbers.
    pub(crate) chance: Random,
    pub(crate) outbox: Outbox,
    pub(crate) report: Arc<Report>,
    pub(crate) clock: Clock,
    pub(crate) ticks: Interval,
    pub(crate) stop: CancellationToken,
    pub(crate) state: Progress,
}

#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Frames made.
    made: u64,
    /// Frames of the message that is not full yet.
    gathered: Vec<String>,
    /// Last reading of our clock, so that no two frames share a moment.
    last_now: Timestamp,
    strain: Strain,
    /// Set once no more frames are made: when to give up on what is still held.
    give_up_at: Option<Instant>,
}

/// Why a connection ended.
enum End {
    Left,
    GaveUp,
    Unplugged,
    Failed { error: anyhow::Error, was_connected: bool },
}

/// What one connection has in its hands.
struct Session {
    post: Post,
    connected: bool,
    leaving: bool,
    /// Queued, in order, and not yet on the wire; None is a status.
    queued: VecDeque<Option<u64>>,
    /// On the wire under this packet identifier since then.
    on_wire: HashMap<u16, (Option<u64>, Instant)>,
}

impl Device {
    pub(crate) async fn run(mut self) {
        let mut retry = FIRST_RETRY;
        let mut connections = 0_u64;
        loop {
            while self.state.strain.unplugged && !self.finished() {
                self.input().await;
            }
            if self.finished() {
                return;
            }
            let end = self.connection(&mut connections).await;
            self.outbox.connection_lost();
            match end {
                End::Left | End::GaveUp => return,
                End::Unplugged => {}
                End::Failed { error, was_connected } => {
                    if was_connected {
                        retry = FIRST_RETRY;
                    }
                    tracing::warn!(device.id = %self.dial.client_id, "connection failed: {error:#}");
                    // Half to one and a half: after an outage a ward does not come back in one moment.
                    let wait = retry.mul_f32(self.chance.between(0.5, 1.5));
                    self.pass(wait).await;
                    retry = (retry * 2).min(LONGEST_RETRY);
                }
            }
        }
    }

    /// Goes on measuring without a connection.
    async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while !self.finished() {
            tokio::select! {
                () = sleep_until(until) => return,
                () = self.input() => {}
            }
        }
    }

    /// One frame made, or the end of making frames, or the end of patience. Safe to drop between awaits.
    async fn input(&mut self) {
        if let Some(give_up_at) = self.state.give_up_at {
            return sleep_until(give_up_at).await;
        }
        tokio::select! {
            _ = self.ticks.tick() => self.make_frame(),
            () = self.stop.cancelled() => {
                self.post_gathered();
                self.state.give_up_at = Some(Instant::now() + self.patience);
                // No frame will bring the cable back: without it, what is held could not go out.
                self.state.strain.unplugged = false;
            }
        }
    }

    fn finished(&self) -> bool {
        self.state.give_up_at.is_some_and(|at| self.outbox.is_empty() || Instant::now() >= at)
    }

    fn make_frame(&mut self) {
        let elapsed_s = self.state.made as f64 * self.period_s;
        let mut strain = Strain::default();
        for act in &self.acts {
            act.strain(elapsed_s, self.period_s, self.speed, &mut strain);
        }
        self.state.strain = strain;
        self.state.made += 1;
        let (values, marks) = self.patient.step((self.period_s * self.speed) as f32, &strain);
        let now = self.clock.now().max(self.state.last_now.plus_micros(1));
        self.state.last_now = now;
        let at = if strain.from_2036 { ROLL_OVER } else { now.plus_millis(strain.clock_ms) };
        let seq = i64::try_from(self.state.made).ok();
        self.state.gathered.push(wire::encode(Some(at), seq, false, &values, &marks));
        self.report.held.fetch_add(1, Relaxed);
        if self.state.gathered.len() >= self.batch {
            self.post_gathered();
        }
    }

    fn post_gathered(&mut self) {
        let frames = self.state.gathered.len();
        let payload = match frames {
            0 => return,
            1 => self.state.gathered.remove(0),
            _ => format!("[{}]", self.state.gathered.join(",")),
        };
        self.state.gathered.clear();
        let lost = self.outbox.push(payload.into_bytes(), frames as u64);
        self.report.lost.fetch_add(lost, Relaxed);
        self.report.held.fetch_sub(lost, Relaxed);
    }

    async fn connection(&mut self, connections: &mut u64) -> End {
        let (post, mut line) = self.dial.open();
        let mut session =
            Session { post, connected: false, leaving: false, queued: VecDeque::new(), on_wire: HashMap::new() };
        loop {
            // rumqttc may lose a packet when its future is dropped half-way, so frames are made beside it.
            let happened = {
                let mut next = pin!(line.next());
                loop {
                    tokio::select! {
                        happened = &mut next => break happened,
                        () = self.input() => {}
                    }
                    if self.state.strain.unplugged {
                        return End::Unplugged;
                    }
                    if self.finished() && (!self.outbox.is_empty() || !session.connected || session.leaving) {
                        return End::GaveUp;
                    }
                    if !self.proceed(&mut session) {
                        break Err(anyhow::anyhow!("the queue to the connection is full"));
                    }
                }
            };
            match happened {
                Ok(Happened::Left) => return End::Left,
                Ok(Happened::Connected) => {
                    session.connected = true;
                    *connections += 1;
                    self.report.reconnects.fetch_add(u64::from(*connections > 1), Relaxed);
                    session.status(self, true);
                }
                Ok(happened) => self.account(&mut session, happened),
                Err(error) => return End::Failed { error, was_connected: session.connected },
            }
            if !self.proceed(&mut session) {
                let error = anyhow::anyhow!("the queue to the connection is full");
                return End::Failed { error, was_connected: true };
            }
        }
    }

    /// Hands over what the window allows; says goodbye once all is done.
    fn proceed(&mut self, session: &mut Session) -> bool {
        if !session.connected || session.leaving {
            return true;
        }
        while session.queued.len() + session.on_wire.len() < usize::from(self.dial.window) {
            let Some(message) = self.outbox.hand_over() else { break };
            session.queued.push_back(Some(message.id));
            let topic = topic(&self.dial.client_id, vitals::Stream::Vitals);
            if !session.post.publish(&topic, self.qos, false, message.payload.clone()) {
                return false;
            }
        }
        if self.finished() && self.outbox.is_empty() {
            session.leaving = true;
            self.state.give_up_at = Some(Instant::now() + GOODBYE);
            session.status(self, false);
            return session.post.leave();
        }
        true
    }

    fn account(&mut self, session: &mut Session, happened: Happened) {
        match happened {
            Happened::Sent(packet) => {
                let Some(id) = session.queued.pop_front() else { return };
                if packet != 0 {
                    session.on_wire.insert(packet, (id, Instant::now()));
                }
                let Some(message) = id.and_then(|id| self.outbox.sent(id)) else { return };
                let counter = if message.sent { &self.report.resent } else { &self.report.sent };
                counter.fetch_add(message.frames, Relaxed);
                if packet == 0 {
                    self.outbox.acknowledge(message.id);
                    self.report.held.fetch_sub(message.frames, Relaxed);
                }
            }
            Happened::Acknowledged(packet) => {
                let Some((Some(id), since)) = session.on_wire.remove(&packet) else { return };
                let Some(message) = self.outbox.acknowledge(id) else { return };
                self.report.latency(since.elapsed());
                self.report.acknowledged.fetch_add(message.frames, Relaxed);
                self.report.held.fetch_sub(message.frames, Relaxed);
            }
            Happened::Refused(packet, reason) => {
                tracing::warn!(device.id = %self.dial.client_id, "publish refused: {reason}");
                let Some((Some(id), _)) = session.on_wire.remove(&packet) else { return };
                let Some(message) = self.outbox.acknowledge(id) else { return };
                self.report.lost.fetch_add(message.frames, Relaxed);
                self.report.held.fetch_sub(message.frames, Relaxed);
            }
            Happened::Connected | Happened::Left | Happened::Nothing => {}
        }
    }
}

impl Session {
    /// The room for it is set apart in the queue, and a status that does not go out costs nothing but itself.
    fn status(&mut self, device: &Device, online: bool) {
        let topic = topic(&device.dial.client_id, vitals::Stream::Status);
        let payload = status(online, device.state.strain.clock_ms);
        if self.post.publish(&topic, u8::from(online), true, payload.into_bytes()) {
            self.queued.push_back(None);
        }
    }
}

pub(crate) fn topic(device: &str, stream: vitals::Stream<'_>) -> String {
    vitals::Topic { gateway: None, device, stream }.to_string()
}

pub(crate) fn status(online: bool, clock_offset_ms: i64) -> String {
    serde_json::json!({
        "online": online,
        "firmware": concat!("device-sim ", env!("CARGO_PKG_VERSION")),
        "battery_pct": 100,
        "clock_offset_ms": clock_offset_ms,
    })
    .to_string()
}
