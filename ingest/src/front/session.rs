//! One admitted connection, from CONNACK to its end.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{pending, ready};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::Front;
use super::acl::Rights;
use super::codes::Code;
use super::encode;
use super::handshake::Admitted;
use super::identity::{self, Proof};
use super::outgoing::{Outgoing, WRITE_AT_ONCE};
use super::packet::Version;
use super::presence::Presence;
use super::registry::Seat;
use super::socket::Socket;
use crate::pipeline::Publish;
use crate::window::Window;

/// Room for answers that a connection keeps while it has none.
const KEPT_WRITE: usize = 256;
/// A window that is full for a moment is how flow control works; after this long it is we who hold the device.
const HELD_AFTER: Duration = Duration::from_secs(1);
/// Longest sleep of a connection that waits for nothing.
const IDLE: Duration = Duration::from_secs(3_600);

/// Why a connection ends.
pub(super) enum Ending {
    /// DISCONNECT: the will is void.
    Left,
    /// The socket closed, failed or was not read, or DISCONNECT asked for the will.
    Gone,
    Cut(Code),
    Stopped,
}

/// An acknowledgement that waits for those of the messages before it, and for no commit of its own.
pub(super) struct Answer {
    pub(super) after: u64,
    pub(super) pkid: u16,
    pub(super) code: Code,
}

pub(super) struct Session {
    pub(super) front: Arc<Front>,
    pub(super) version: Version,
    pub(super) rights: Rights,
    pub(super) read: BytesMut,
    pub(super) write: BytesMut,
    pub(super) burst: Vec<Publish>,
    pub(super) window: Window,
    pub(super) answers: VecDeque<Answer>,
    /// Messages at QoS 1 that went to the pipeline, and those of them that are acknowledged.
    pub(super) accepted: u64,
    pub(super) acknowledged: u64,
    acks: Vec<u16>,
    pub(super) outgoing: Outgoing,
    pub(super) statuses: Option<watch::Receiver<u64>>,
    /// To be sent once what is written has gone.
    more: bool,
    pub(super) socket: Socket,
    proof: Proof,
    /// With its QoS.
    pub(super) will: Option<(Bytes, u8)>,
    pub(super) wants_session: bool,
    patience: Duration,
    pub(super) last_packet: Instant,
    full_since: Option<Instant>,
    draining: Option<Instant>,
    timer: Pin<Box<Sleep>>,
    // In this order: what follows this connection may begin when the seat is free, so presence goes first.
    pub(super) presence: Presence,
    _permit: OwnedSemaphorePermit,
    seat: Seat,
}

enum Event {
    Read(io::Result<usize>),
    Roster,
    Timer,
    /// Something that the loop looks at anyway: a commit, room, a command, a kick, news of statuses.
    Look,
}

impl Session {
    pub(super) fn new(front: Arc<Front>, socket: Socket, read: BytesMut, admitted: Admitted) -> Self {
        let Admitted {
            version,
            rights,
            proof,
            seat,
            will,
            wants_session,
            patience,
            receive_maximum,
            max_packet,
            permit,
        } = admitted;
        let now = Instant::now();
        Self {
            presence: Presence::new(front.clone(), rights.me.key),
            window: front.pipeline.window(),
            outgoing: Outgoing::new(version, receive_maximum, max_packet),
            timer: Box::pin(sleep_until(now + patience)),
            front,
            version,
            rights,
            read,
            write: BytesMut::new(),
            burst: Vec::new(),
            answers: VecDeque::new(),
            accepted: 0,
            acknowledged: 0,
            acks: Vec::new(),
            statuses: None,
            more: false,
            socket,
            proof,
            will,
            wants_session,
            patience,
            last_packet: now,
            full_since: None,
            draining: None,
            seat,
            _permit: permit,
        }
    }

    pub(super) async fn run(mut self: Box<Self>) {
        let ending = match self.serve().await {
            Ok(never) => match never {},
            Err(ending) => ending,
        };
        self.finish(ending).await;
    }

    async fn serve(&mut self) -> Result<Infallible, Ending> {
        loop {
            if self.seat.kicked() && self.draining.is_none() {
                self.kicked()?;
            }
            let digested = if self.draining.is_none() { self.digest() } else { Ok(()) };
            let stopped_short = !self.has_room();
            self.acknowledge();
            digested?;
            self.more = self.take_commands() | self.outgoing.statuses(&mut self.write, &self.front.statuses);
            self.flush().await?;
            if self.draining.is_some() && self.window.len() == 0 {
                return Err(Ending::Stopped);
            }
            // What was read and found no room is no news to the socket: its client may wait for us.
            if stopped_short && self.draining.is_none() && self.has_room() {
                continue;
            }
            let event = self.wait().await;
            // Asked at each event: in `wait` the roster stands behind what a client can keep busy for ever.
            if self.rights.roster.has_changed().unwrap_or(false) {
                self.check_rights()?;
            }
            match event {
                Event::Read(Ok(0) | Err(_)) => return Err(Ending::Gone),
                Event::Read(Ok(bytes)) => {
                    self.front.bytes_read.increment(bytes as u64);
                }
                Event::Roster => self.check_rights()?,
                Event::Timer => self.look_at_the_clock()?,
                Event::Look => {}
            }
        }
    }

    async fn wait(&mut self) -> Event {
        let reading = self.draining.is_none() && self.has_room();
        self.note_reading(reading);
        let deadline = self.deadline();
        if deadline < self.timer.deadline() {
            self.timer.as_mut().reset(deadline);
        }
        if self.read.is_empty() {
            // Given back: what waits for its next packet holds no buffer.
            self.read = BytesMut::new();
        }
        let statuses = &mut self.statuses;
        tokio::select! {
            biased;
            () = self.seat.news(), if self.draining.is_none() => Event::Look,
            () = self.window.committed(), if self.window.len() > 0 => Event::Look,
            read = self.socket.read_some(&mut self.read), if reading => Event::Read(read),
            // With messages of its own unacknowledged, their commit is the next news anyway.
            () = self.window.room(), if !reading && self.draining.is_none() && self.window.len() == 0 => Event::Look,
            () = ready(()), if self.more => Event::Look,
            Ok(()) = async { match statuses { Some(news) => news.changed().await, None => pending().await } } => Event::Look,
            Ok(()) = self.rights.roster.changed() => Event::Roster,
            () = self.timer.as_mut() => Event::Timer,
        }
    }

    /// Our own slowness is not the client's silence: its keep-alive starts anew when we read again.
    fn note_reading(&mut self, reading: bool) {
        if self.draining.is_some() {
            // It is we who leave: that is no hold.
            return;
        }
        if !reading {
            self.full_since.get_or_insert_with(Instant::now);
        } else if self.full_since.take().is_some() {
            self.last_packet = Instant::now();
            self.presence.hold(false);
        }
    }

    fn deadline(&self) -> Instant {
        let silent = self.last_packet + self.patience;
        self.draining.unwrap_or_else(|| next_look(self.full_since, self.presence.held, silent, Instant::now()))
    }

    fn look_at_the_clock(&mut self) -> Result<(), Ending> {
        let now = Instant::now();
        if self.draining.is_some_and(|end| end <= now) {
            return Err(Ending::Stopped);
        }
        match self.full_since {
            _ if self.draining.is_some() => {}
            None if self.last_packet + self.patience <= now => return Err(Ending::Cut(Code::KeepAliveTimeout)),
            Some(since) if !self.presence.held && since + HELD_AFTER <= now => {
                self.presence.hold(true);
            }
            _ => {}
        }
        let next = self.deadline().max(now + Duration::from_millis(1));
        self.timer.as_mut().reset(next);
        Ok(())
    }

    fn check_rights(&mut self) -> Result<(), Ending> {
        self.rights.refresh();
        let roster = self.rights.roster.borrow();
        if identity::revoked(&roster, &self.rights.me, &self.proof) {
            return Err(Ending::Cut(Code::NotAuthorized));
        }
        Ok(())
    }

    /// In the order in which the messages came (§4.6).
    fn acknowledge(&mut self) {
        self.window.take_committed(&mut self.acks);
        for pkid in self.acks.drain(..) {
            answer(&mut self.answers, &mut self.write, self.acknowledged);
            encode::puback(&mut self.write, pkid);
            self.acknowledged += 1;
        }
        answer(&mut self.answers, &mut self.write, self.acknowledged);
    }

    fn kicked(&mut self) -> Result<(), Ending> {
        if !self.front.stop.is_cancelled() {
            return Err(Ending::Cut(Code::TakenOver));
        }
        self.draining = Some(Instant::now() + self.front.config.patience());
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Ending> {
        if self.write.is_empty() {
            return Ok(());
        }
        // One patience for all of it: what is said to the connection meanwhile does not begin it anew.
        let deadline = Instant::now() + self.front.config.write_timeout();
        while !self.write.is_empty() {
            let written = async {
                self.socket.write_all_buf(&mut self.write).await?;
                self.socket.flush().await
            };
            tokio::select! {
                biased;
                written = timeout_at(deadline, written) => match written {
                    Ok(Ok(())) => break,
                    Ok(Err(_)) | Err(_) => return Err(Ending::Gone),
                },
                () = self.seat.news(), if self.draining.is_none() => match self.seat.kicked() {
                    true => self.kicked()?,
                    // A command: its one signal is used up here.
                    false => self.more = true,
                },
            }
        }
        if self.write.capacity() > KEPT_WRITE {
            self.write = BytesMut::new();
        }
        Ok(())
    }

    /// True: there are more, once what is in `write` has been written.
    fn take_commands(&mut self) -> bool {
        while self.outgoing.has_room() {
            if self.write.len() >= WRITE_AT_ONCE {
                return true;
            }
            let Some(delivery) = self.seat.command() else { break };
            self.outgoing.command(&mut self.write, &delivery);
        }
        false
    }
}

/// When the clock is looked at next. `silent`: when the client has said nothing for too long.
fn next_look(full_since: Option<Instant>, held: bool, silent: Instant, now: Instant) -> Instant {
    match full_since {
        None => silent,
        Some(since) if !held => since + HELD_AFTER,
        // From now, or the hour would be over some time and for ever.
        Some(_) => now + IDLE,
    }
}

fn answer(answers: &mut VecDeque<Answer>, write: &mut BytesMut, acknowledged: u64) {
    while let Some(answer) = answers.pop_front_if(|answer| answer.after <= acknowledged) {
        match answer.code {
            Code::Success => encode::puback(write, answer.pkid),
            code => encode::puback_refusal(write, answer.pkid, code),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_held_for_hours_sleeps_for_hours() {
        let full_since = Instant::now();
        for hours in 0..48 {
            let now = full_since + Duration::from_secs(hours * 3_600);
            let next = next_look(Some(full_since), true, full_since, now);
            assert!(next >= now + HELD_AFTER, "held for {hours} hours, it wakes again and again");
        }
    }
}
