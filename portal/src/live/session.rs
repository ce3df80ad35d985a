use std::sync::Arc;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use vitals::{DeviceKey, DeviceName};
use warp::ws::{Message, WebSocket};

use super::catch_up::{Told, catch_up};
use super::hub::Hub;
use super::log::Standing;
use super::protocol::{DeviceText, ErrorCode, FromClient, FromServer, Latest, LiveDevice, Token, Watch};
use super::sight::Sight;
use super::slot::Slot;
use super::view::View;
use crate::alarms::Alarm;
use crate::identity::{Ended, Socket};

/// Numbers reach a screen at most four times a second (design §2); an eye reads no faster.
const POLL: Duration = Duration::from_millis(250);

const HEARTBEAT: Duration = Duration::from_secs(1);

/// A screen that takes no byte for this long is closed; it comes back and resumes.
const SEND_PATIENCE: Duration = Duration::from_secs(5);

/// Heartbeats between two pings, which a browser answers by itself.
const PING_EVERY: u32 = 20;

/// A screen from which nothing came for this long, not even a pong, is gone.
const SILENT: Duration = Duration::from_secs(60);

/// Devices in one `numbers` message (about 100 kB): alarms go out between two.
const CHUNK: usize = 64;

/// Steps in one `missed` message.
const MISSED_CHUNK: usize = 256;

/// Names in one `watch`: more than a wall can show.
const MAX_WATCHED: usize = 4_096;

/// The screen is gone, or too slow to be told anything.
struct Gone;

struct Watched {
    key: DeviceKey,
    name: DeviceName,
    slot: Arc<Slot>,
    /// Of the slot when it was last sent.
    version: u64,
    connected: bool,
}

/// One screen.
pub(crate) struct Session {
    hub: Hub,
    view: Arc<View>,
    sight: watch::Receiver<Arc<Sight>>,
    socket: WebSocket,
    /// None until the first `watch`; inside, None means every device.
    wanted: Option<Option<Vec<String>>>,
    watched: Vec<Watched>,
    /// The number of the next step to send.
    next: u64,
    /// The last step that was sent.
    token: Token,
}

impl Session {
    pub(crate) fn new(hub: Hub, view: View, socket: WebSocket) -> Self {
        let Standing { token, next, .. } = hub.log().standing();
        let sight = view.sight();
        Self { hub, view: Arc::new(view), sight, socket, wanted: None, watched: Vec::new(), next, token }
    }

    /// Until the screen leaves, falls silent, is too slow, or `stop`.
    /// Also until `right` has ended, which is what this screen was let in for.
    pub(crate) async fn run(mut self, stop: CancellationToken, right: Option<Socket>) {
        metrics::gauge!("vigil_screens").increment(1.0);
        let view = self.view.clone();
        // Beside the socket: a database that does not answer holds up no alarm.
        let following = AbortOnDropHandle::new(tokio::spawn(async move { view.follow().await }));
        if let Ok(ended) = self.talk(&stop, following, right).await {
            if matches!(ended, Some(Ended::Revoked | Ended::Idle)) {
                self.view.give_up();
            }
            let close = match ended {
                Some(ended) => Message::close_with(ended.code(), ended.reason()),
                None => Message::close_with(1001_u16, "going away"),
            };
            drop(timeout(SEND_PATIENCE, self.socket.send(close)).await);
        }
        self.view.close().await;
        metrics::gauge!("vigil_screens").decrement(1.0);
    }

    async fn talk(
        &mut self,
        stop: &CancellationToken,
        mut following: AbortOnDropHandle<()>,
        mut right: Option<Socket>,
    ) -> Result<Option<Ended>, Gone> {
        let (mut poll, mut heartbeat) = (interval(POLL), interval(HEARTBEAT));
        poll.set_missed_tick_behavior(MissedTickBehavior::Delay);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut steps, mut roster) = (self.hub.log().subscribe(), self.hub.roster());
        let (mut heard, mut beats) = (Instant::now(), 0_u32);
        self.hello().await?;
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(None),
                ended = ended(&mut right) => return Ok(Some(ended)),
                _ = &mut following => return Ok(None),
                changed = self.sight.changed() => {
                    changed.map_err(|_| Gone)?;
                    self.look_anew().await?;
                }
                changed = steps.changed() => {
                    changed.map_err(|_| Gone)?;
                    self.send_steps().await?;
                }
                message = self.socket.next() => {
                    let message = message.and_then(Result::ok).ok_or(Gone)?;
                    heard = Instant::now();
                    self.receive(&message).await?;
                }
                _ = heartbeat.tick() => {
                    if heard.elapsed() > SILENT {
                        return Ok(None);
                    }
                    beats += 1;
                    self.beat(beats.is_multiple_of(PING_EVERY)).await?;
                }
                _ = poll.tick() => self.send_changes().await?,
                () = changed(&mut roster) => self.send_roster().await?,
            }
        }
    }

    async fn send(&mut self, message: &FromServer) -> Result<(), Gone> {
        let text = serde_json::to_string(message).expect("our own messages are plain data");
        self.write(Message::text(text)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), Gone> {
        match timeout(SEND_PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(Gone),
            Err(_) => {
                tracing::info!("a screen took nothing for {SEND_PATIENCE:?} and is closed");
                Err(Gone)
            }
        }
    }

    async fn hello(&mut self) -> Result<(), Gone> {
        let Token { epoch, seq } = self.token;
        let heartbeat_ms = u32::try_from(HEARTBEAT.as_millis()).expect("a second");
        let server_time_ms = self.hub.now().millis();
        self.send(&FromServer::Hello { server_time_ms, epoch, seq, heartbeat_ms }).await
    }

    /// Its token is what this screen has been sent, so that a resume from it misses nothing.
    async fn beat(&mut self, ping: bool) -> Result<(), Gone> {
        let Token { epoch, seq } = self.token;
        let server_time_ms = self.hub.now().millis();
        self.send(&FromServer::Heartbeat { server_time_ms, epoch, seq }).await?;
        if ping { self.write(Message::ping(&b""[..])).await } else { Ok(()) }
    }

    async fn receive(&mut self, message: &Message) -> Result<(), Gone> {
        if message.is_close() {
            return Err(Gone);
        }
        if !message.is_text() && !message.is_binary() {
            return Ok(());
        }
        match serde_json::from_slice(message.as_bytes()) {
            Ok(FromClient::Watch(Watch { devices: Some(devices), .. })) if devices.len() > MAX_WATCHED => {
                let detail = format!("at most {MAX_WATCHED} devices in one watch");
                self.send(&FromServer::Error { code: ErrorCode::TooManyDevices, detail }).await
            }
            Ok(FromClient::Watch(Watch { devices, resume })) => self.watch(devices, resume).await,
            Err(error) => {
                let detail = format!("not a message of this protocol, at column {}", error.column());
                self.send(&FromServer::Error { code: ErrorCode::MalformedMessage, detail }).await
            }
        }
    }

    async fn watch(&mut self, devices: Option<Vec<String>>, resume: Option<Token>) -> Result<(), Gone> {
        let watching = self.wanted.replace(devices).is_some();
        self.send_roster().await?;
        if let Some(token) = resume {
            self.resume(token).await?;
        } else {
            let mut standing = self.hub.log().standing();
            // Who changes what it watches is told every step before the snapshot takes their place.
            while watching && standing.next != self.next {
                self.send_steps().await?;
                standing = self.hub.log().standing();
            }
            self.snapshot(standing, false).await?;
        }
        self.send_changes().await
    }

    /// Tells what came after `token`, then how things stand.
    async fn resume(&mut self, token: Token) -> Result<(), Gone> {
        let Told { mut missed, standing, complete } = catch_up(&self.hub, &self.view, token).await;
        missed = missed.iter().filter_map(|step| self.sight.borrow().step(step.alarm.key, step)).collect();
        for chunk in missed.chunks(MISSED_CHUNK) {
            metrics::counter!("vigil_alarms_sent_total").increment(chunk.len() as u64);
            self.send(&FromServer::Missed { alarms: chunk.to_vec() }).await?;
        }
        if missed.is_empty() {
            self.send(&FromServer::Missed { alarms: Vec::new() }).await?;
        }
        self.snapshot(standing, !complete).await
    }

    /// Numbers beyond the first chunk follow in `numbers`.
    async fn snapshot(&mut self, standing: Standing, resync: bool) -> Result<(), Gone> {
        for watched in &mut self.watched {
            watched.version = 0;
        }
        let Standing { active, token: Token { epoch, seq }, next } = standing;
        let told = |alarm: &Alarm| self.sight.borrow().alarm(alarm.key, alarm);
        let alarms = active.iter().filter_map(told).collect();
        (self.next, self.token) = (next, Token { epoch, seq });
        let numbers = self.changed_numbers(&mut 0);
        self.send(&FromServer::Snapshot { numbers, alarms, epoch, seq, resync }).await
    }

    /// Shows others than before: who is gone from it is gone at once.
    async fn look_anew(&mut self) -> Result<(), Gone> {
        if self.wanted.is_none() {
            return Ok(());
        }
        self.send_steps().await?;
        self.send_roster().await?;
        self.snapshot(self.hub.log().standing(), false).await?;
        self.send_changes().await
    }

    async fn send_steps(&mut self) -> Result<(), Gone> {
        if self.wanted.is_none() {
            return Ok(());
        }
        let Ok((steps, next)) = self.hub.log().from(self.next) else {
            return self.resume(self.token).await;
        };
        for step in steps {
            self.token = Token { epoch: step.epoch, seq: step.seq };
            let told = self.sight.borrow().step(step.alarm.key, &step);
            let Some(told) = told else { continue };
            metrics::counter!("vigil_alarms_sent_total").increment(1);
            self.send(&FromServer::Alarm(told)).await?;
        }
        self.next = next;
        Ok(())
    }

    async fn send_roster(&mut self) -> Result<(), Gone> {
        let Some(wanted) = &self.wanted else { return Ok(()) };
        let mut devices = self.hub.devices(true);
        let sight = self.sight.borrow().clone();
        devices.retain(|(key, _)| !sight.hides(*key));
        let wanted: Option<AHashSet<&str>> = wanted.as_ref().map(|names| names.iter().map(String::as_str).collect());
        let sent: AHashMap<_, _> = self.watched.iter().map(|old| (&old.name, old.version)).collect();
        let mut watched = Vec::new();
        for (key, device) in &devices {
            if wanted.as_ref().is_none_or(|names| names.contains(device.id.as_str())) {
                let version = sent.get(&device.id).copied().unwrap_or(0);
                let (name, slot) = (device.id.clone(), self.hub.slot(*key));
                watched.push(Watched { key: *key, name, slot, version, connected: device.connected });
            }
        }
        self.watched = watched;
        let devices = devices.into_iter().map(|(key, device)| LiveDevice { device, patient: sight.on(key) }).collect();
        self.send(&FromServer::Roster { devices }).await
    }

    async fn send_changes(&mut self) -> Result<(), Gone> {
        let mut index = 0;
        while index < self.watched.len() {
            let numbers = self.changed_numbers(&mut index);
            if !numbers.is_empty() {
                self.send(&FromServer::Numbers { numbers }).await?;
                self.send_steps().await?;
            }
        }
        self.send_presence().await
    }

    async fn send_presence(&mut self) -> Result<(), Gone> {
        let mut changes = Vec::new();
        for watched in &mut self.watched {
            let connected = watched.slot.read().1.connected();
            if connected != watched.connected {
                watched.connected = connected;
                changes.push(FromServer::Presence { device: DeviceText(watched.name.clone()), connected });
            }
        }
        for change in changes {
            self.send(&change).await?;
        }
        Ok(())
    }

    /// At most a chunk of what changed since it was sent, from `index` on.
    fn changed_numbers(&mut self, index: &mut usize) -> Vec<Latest> {
        let (now, sight) = (self.hub.now(), self.sight.borrow().clone());
        let mut numbers = Vec::new();
        for watched in self.watched.iter_mut().skip(*index) {
            if numbers.len() == CHUNK {
                break;
            }
            *index += 1;
            if watched.slot.version() != watched.version {
                let (version, state) = watched.slot.read();
                watched.version = version;
                numbers.extend(state.latest(&watched.name, sight.past().until(watched.key), now));
            }
        }
        numbers
    }
}

/// Ends with the right to look; never where none can end.
async fn ended(right: &mut Option<Socket>) -> Ended {
    match right {
        Some(right) => right.ended().await,
        None => std::future::pending().await,
    }
}

/// Ends with the next roster; never, once no more will come.
async fn changed(roster: &mut watch::Receiver<Arc<store::roster::Roster>>) {
    if roster.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}
