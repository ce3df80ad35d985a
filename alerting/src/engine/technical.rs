//! What a device's frames say about the device itself. All of it runs on receive time.

use vitals::{Timestamp, What};

/// (what, at, onset)
pub(super) type Change = (What, Timestamp, Timestamp);

/// How long ago the last frame came. Nothing is expected of a device that was never heard.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Silence {
    last: Option<Timestamp>,
    due: Option<Timestamp>,
    active: bool,
    /// False: it is connected and has not sent a frame yet; `last` is then when it connected.
    heard: bool,
}

impl Silence {
    /// The device connected: from now on something is expected of it, even if it was never heard.
    pub(super) fn expect(&mut self, at: Timestamp, after_us: i64) {
        if self.last.is_none() {
            *self = Self { last: Some(at), due: Some(at.plus_micros(after_us)), active: false, heard: false };
        }
    }

    /// The device went. What it never began is not missed.
    pub(super) fn let_go(&mut self, at: Timestamp) -> Option<Change> {
        if self.heard {
            return None;
        }
        let ended = self.last.filter(|_| self.active).map(|onset| (What::Cleared, at, onset));
        *self = Self::default();
        ended
    }

    pub(super) fn heard(&mut self, received_at: Timestamp, after_us: i64) -> Option<Change> {
        if self.last.is_some_and(|last| received_at <= last) && !self.active {
            return None;
        }
        let ended = self.active.then(|| (What::Cleared, received_at, self.last.unwrap_or(received_at)));
        let due = Some(received_at.plus_micros(after_us));
        *self = Self { last: Some(received_at), due, active: false, heard: true };
        ended
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        self.due
    }

    pub(super) fn fire(&mut self) -> Option<Change> {
        let (due, last) = (self.due.take()?, self.last?);
        self.active = true;
        Some((What::Raised, due, last))
    }

    pub(super) fn shift(&mut self, us: i64) {
        self.due = self.due.map(|due| due.plus_micros(us));
    }

    pub(super) fn seed(&mut self, onset: Timestamp) {
        *self = Self { last: Some(onset), due: None, active: true, heard: true };
    }

    pub(super) fn active_since(&self) -> Option<Timestamp> {
        self.last.filter(|_| self.active)
    }
}

/// Frames come, and none of them is as it should be: live, or plausible. Only a frame can tell, so no timer runs.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unbroken {
    /// Start and latest frame of the run.
    run: Option<(Timestamp, Timestamp)>,
    active: Option<Timestamp>,
}

impl Unbroken {
    pub(super) fn heard(
        &mut self,
        received_at: Timestamp,
        right: bool,
        after_us: i64,
        pause_us: i64,
    ) -> Option<Change> {
        if right {
            self.run = None;
            return self.active.take().map(|onset| (What::Cleared, received_at, onset));
        }
        // A pause that long begins a new run: what a device back-fills once a day is no complaint.
        let since = match self.run {
            Some((since, latest)) if received_at.micros_since(latest) <= pause_us.max(after_us) => since,
            _ => received_at,
        };
        self.run = Some((since, received_at));
        if self.active.is_some() || received_at.micros_since(since) < after_us {
            return None;
        }
        self.active = Some(since);
        Some((What::Raised, since.plus_micros(after_us), since))
    }

    pub(super) fn shift(&mut self, us: i64) {
        self.run = self.run.map(|(since, latest)| (since.plus_micros(us), latest.plus_micros(us)));
    }

    pub(super) fn seed(&mut self, onset: Timestamp) {
        self.active = Some(onset);
    }

    pub(super) fn active_since(&self) -> Option<Timestamp> {
        self.active
    }
}

/// A condition that a frame shows, over once no frame has shown it for a while.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Shown {
    /// Onset, and the time at which it is over.
    active: Option<(Timestamp, Timestamp)>,
}

impl Shown {
    pub(super) fn show(&mut self, received_at: Timestamp, quiet_us: i64) -> Option<Change> {
        let over = received_at.plus_micros(quiet_us);
        let raised = self.active.is_none().then_some((What::Raised, received_at, received_at));
        let (onset, before) = self.active.unwrap_or((received_at, over));
        self.active = Some((onset, over.max(before)));
        raised
    }

    pub(super) fn due(&self) -> Option<Timestamp> {
        self.active.map(|(_, over)| over)
    }

    pub(super) fn fire(&mut self) -> Option<Change> {
        self.active.take().map(|(onset, over)| (What::Cleared, over, onset))
    }

    pub(super) fn shift(&mut self, us: i64) {
        self.active = self.active.map(|(onset, over)| (onset, over.plus_micros(us)));
    }

    pub(super) fn seed(&mut self, onset: Timestamp, over: Timestamp) {
        self.active = Some((onset, over));
    }

    pub(super) fn active_since(&self) -> Option<Timestamp> {
        self.active.map(|(onset, _)| onset)
    }
}
