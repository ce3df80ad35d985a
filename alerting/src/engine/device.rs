use std::sync::Arc;

use vitals::{ClockOffset, DeviceKey, Flags, Frame, Parameter, RuleVersion, RuleVersionId, Timestamp, Validity, What};

use super::limit::{LimitState, Step};
use super::technical::{Change, Shown, Silence, Unbroken};
use super::{Rules, Signal};

const NEVER: Timestamp = Timestamp::from_micros(i64::MAX);
const BEFORE_ALL: Timestamp = Timestamp::from_micros(i64::MIN);

/// Everything that is judged on one device.
#[derive(Debug)]
pub struct DeviceWatch {
    device: DeviceKey,
    rules: Arc<Rules>,
    clock: ClockOffset,
    /// By the device's clock: the newest value judged, a parameter.
    newest: [Timestamp; Parameter::COUNT],
    /// In the order of `rules.limits`.
    limits: Box<[LimitState]>,
    silence: Silence,
    no_live: Unbroken,
    /// By the device's clock: the newest word, a value or a mark, on each sign of life.
    newest_life: [Timestamp; Parameter::COUNT],
    /// A bit for each sign of life whose newest value is implausible.
    implausible_now: u16,
    implausible: Unbroken,
    suspect: Shown,
    simulated: Shown,
    duplicate: Shown,
    /// Since when we do not read what the device sends.
    held: Option<Timestamp>,
    /// Connections that we do not read.
    holders: u16,
    /// Connections that speak for it: its own, or a gateway's.
    connections: u16,
    now: Timestamp,
    next_due: Timestamp,
}

/// Who is due next.
#[derive(Clone, Copy)]
enum Due {
    Limit(usize),
    Silence,
    Suspect,
    Simulated,
    Duplicate,
}

impl DeviceWatch {
    pub fn new(device: DeviceKey, rules: Arc<Rules>) -> Self {
        Self {
            device,
            clock: ClockOffset::default(),
            newest: [BEFORE_ALL; Parameter::COUNT],
            limits: vec![LimitState::Clear; rules.limits.len()].into(),
            silence: Silence::default(),
            no_live: Unbroken::default(),
            newest_life: [BEFORE_ALL; Parameter::COUNT],
            implausible_now: 0,
            implausible: Unbroken::default(),
            suspect: Shown::default(),
            simulated: Shown::default(),
            duplicate: Shown::default(),
            held: None,
            holders: 0,
            connections: 0,
            now: BEFORE_ALL,
            next_due: NEVER,
            rules,
        }
    }

    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Takes the next frame in the order of receipt.
    pub fn frame(&mut self, frame: &Frame, out: &mut Vec<Signal>) {
        self.advance(frame.received_at, out);
        self.hear(frame, out);
        if frame.flags.has(Flags::JUDGED) {
            self.judge(frame, out);
        }
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
    }

    /// Begins with what is recalled of frames that are not taken one by one: how the clock went, and when the last one came.
    pub fn recall(&mut self, clock: ClockOffset, heard_at: Timestamp, out: &mut Vec<Signal>) {
        self.advance(heard_at, out);
        self.clock = clock;
        let change = self.silence.heard(heard_at, self.rules.silence.us);
        out.extend(change.map(|change| self.technical_signal(&self.rules.silence.rule, change, heard_at)));
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
    }

    /// Fires every deadline up to `now`, each under its own time. Corrected event time is our time, so one `now` serves both.
    pub fn advance(&mut self, now: Timestamp, out: &mut Vec<Signal>) {
        self.now = self.now.max(now);
        while self.next_due <= self.now {
            if let Some((due, who)) = self.next().filter(|(due, _)| *due <= self.now) {
                self.fire(who, due, out);
            }
            self.next_due = self.next().map_or(NEVER, |(due, _)| due);
        }
    }

    /// A connection that speaks for the device came (`on`) or went. One that connects and sends nothing that can be
    /// stored is silent too.
    pub fn connected(&mut self, on: bool, at: Timestamp, out: &mut Vec<Signal>) {
        self.advance(at, out);
        if on {
            self.connections = self.connections.saturating_add(1);
            self.silence.expect(at, self.rules.silence.us);
        } else {
            self.connections = self.connections.saturating_sub(1);
            let change = if self.connections == 0 { self.silence.let_go(at) } else { None };
            out.extend(change.map(|change| self.technical_signal(&self.rules.silence.rule, change, at)));
        }
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
    }

    /// Clients with the device's identity take over from each other.
    pub fn flapping(&mut self, at: Timestamp, out: &mut Vec<Signal>) {
        self.advance(at, out);
        let rule = &self.rules.duplicate;
        let change = self.duplicate.show(at, rule.us);
        out.extend(change.map(|change| self.technical_signal(&self.rules.duplicate.rule, change, at)));
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
    }

    /// We stop reading one of its connections (`on`) or read it again: a device that is not read is not silent.
    pub fn hold(&mut self, on: bool, at: Timestamp, out: &mut Vec<Signal>) {
        self.advance(at, out);
        if on {
            self.holders += 1;
            self.held.get_or_insert(at);
        } else {
            self.holders = self.holders.saturating_sub(1);
            if self.holders == 0 {
                self.release(at);
            }
        }
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
    }

    /// The process started at `started_at`, after one that judged until `stopped_at`: nothing in between counts.
    pub fn restart(&mut self, stopped_at: Timestamp, started_at: Timestamp, out: &mut Vec<Signal>) {
        self.advance(stopped_at, out);
        (self.holders, self.connections) = (0, 0);
        self.release(stopped_at);
        self.skip(stopped_at, started_at);
    }

    /// The process stood still from `from` to `until`, with its connections: nothing in between counts.
    pub fn slept(&mut self, from: Timestamp, until: Timestamp, out: &mut Vec<Signal>) {
        self.advance(from, out);
        self.skip(from, until);
    }

    fn skip(&mut self, from: Timestamp, until: Timestamp) {
        let us = until.micros_since(from).max(0);
        self.limits.iter_mut().for_each(|state| state.shift(us));
        self.shift_receive_timers(us);
        // A hold stops the same timers: what it takes from them is counted from here on.
        self.held = self.held.map(|held| held.plus_micros(us));
        self.now = self.now.max(until);
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
    }

    /// From `at` on other rules hold. Alarms of rules that are gone end; what stays keeps its state.
    pub fn swap(&mut self, rules: Arc<Rules>, at: Timestamp, out: &mut Vec<Signal>) {
        self.advance(at, out);
        let mut limits: Box<[LimitState]> = vec![LimitState::Clear; rules.limits.len()].into();
        for (old, state) in self.rules.limits.iter().zip(&self.limits) {
            if let Some(place) = rules.limits.iter().position(|new| new.rule.id == old.rule.id) {
                limits[place] = *state;
            } else if let Some((onset_at, value)) = state.active_since() {
                let step = Step { what: What::Cleared, at, received_at: at, onset_at, value };
                out.push(self.limit_signal(&old.rule, step));
            }
        }
        if rules.silence.rule.id != self.rules.silence.rule.id {
            match self.silence.active_since() {
                Some(onset) => {
                    out.push(self.technical_signal(&self.rules.silence.rule, (What::Cleared, at, onset), at));
                    self.silence = Silence::default();
                }
                None => self.silence.shift(rules.silence.us - self.rules.silence.us),
            }
        }
        (self.limits, self.rules) = (limits, rules);
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
    }

    /// Watches no more: what is active ends.
    pub fn retire(&mut self, at: Timestamp, out: &mut Vec<Signal>) {
        self.advance(at, out);
        let limits = self.rules.limits.iter().zip(&self.limits);
        for (rule, onset_at, value) in limits
            .filter_map(|(limit, state)| state.active_since().map(|(onset, value)| (&limit.rule, onset, Some(value))))
            .chain(self.technical().into_iter().filter_map(|(rule, onset)| Some((rule, onset?, None))))
        {
            let (device, rule, what) = (Some(self.device), rule.clone(), What::Cleared);
            out.push(Signal { device, rule, what, at, received_at: at, onset_at, value });
        }
        *self = Self::new(self.device, self.rules.clone());
    }

    /// Takes over an alarm that is known to be active. False: no rule of this device has that identifier.
    pub fn seed(&mut self, rule: RuleVersionId, onset: Timestamp, raised: Timestamp, value: Option<f32>) -> bool {
        let rules = self.rules.clone();
        if let Some(place) = rules.limits.iter().position(|limit| limit.rule.id == rule) {
            self.limits[place].seed(onset, raised, value.unwrap_or(rules.limits[place].limit));
        } else if rule == rules.silence.rule.id {
            self.silence.seed(onset);
        } else if rule == rules.no_live.rule.id {
            self.no_live.seed(onset);
        } else if rule == rules.implausible.rule.id {
            self.implausible.seed(onset);
        } else if rule == rules.suspect.rule.id {
            self.suspect.seed(onset, self.now.max(raised).plus_micros(rules.suspect.us));
        } else if rule == rules.simulated.rule.id {
            self.simulated.seed(onset, self.now.max(raised).plus_micros(rules.simulated.us));
        } else if rule == rules.duplicate.rule.id {
            self.duplicate.seed(onset, self.now.max(raised).plus_micros(rules.duplicate.us));
        } else {
            return false;
        }
        self.next_due = self.next().map_or(NEVER, |(due, _)| due);
        true
    }

    fn technical(&self) -> [(&Arc<RuleVersion>, Option<Timestamp>); 6] {
        let rules = &self.rules;
        [
            (&rules.silence.rule, self.silence.active_since()),
            (&rules.no_live.rule, self.no_live.active_since()),
            (&rules.implausible.rule, self.implausible.active_since()),
            (&rules.suspect.rule, self.suspect.active_since()),
            (&rules.simulated.rule, self.simulated.active_since()),
            (&rules.duplicate.rule, self.duplicate.active_since()),
        ]
    }

    fn hear(&mut self, frame: &Frame, out: &mut Vec<Signal>) {
        let at = frame.received_at;
        if self.held.is_some() {
            // Read before the hold took effect: from here on the timers stand still anew.
            self.release(at);
            self.held = Some(at);
        }
        let rules = &self.rules;
        let shown = |flag, state: &mut Shown, us| if frame.flags.has(flag) { state.show(at, us) } else { None };
        let changes = [
            (&rules.silence.rule, self.silence.heard(at, rules.silence.us)),
            (
                &rules.no_live.rule,
                self.no_live.heard(at, frame.flags.has(Flags::LIVE), rules.no_live.us, rules.silence.us),
            ),
            (&rules.suspect.rule, shown(Flags::CLOCK_SUSPECT, &mut self.suspect, rules.suspect.us)),
            (&rules.simulated.rule, shown(Flags::SIMULATED, &mut self.simulated, rules.simulated.us)),
        ];
        for (rule, change) in changes {
            out.extend(change.map(|change| self.technical_signal(rule, change, at)));
        }
    }

    fn judge(&mut self, frame: &Frame, out: &mut Vec<Signal>) {
        let (mut event, mut renewed) = (frame.received_at, true);
        let timed = !frame.flags.has(Flags::NO_TIME);
        if timed {
            let observed = self.clock.follow(frame.at, frame.received_at, self.rules.live_window_ms);
            event = frame.at.plus_micros(observed.offset_us);
            renewed = observed.stepped;
            if observed.stepped {
                self.newest = [BEFORE_ALL; Parameter::COUNT];
                self.newest_life = [BEFORE_ALL; Parameter::COUNT];
            }
        }
        if frame.flags.has(Flags::SIMULATED) {
            return;
        }
        self.look_for_life(frame, timed, out);
        for (parameter, _) in frame.values.iter() {
            let newest = &mut self.newest[parameter.index()];
            if !renewed && frame.at <= *newest {
                continue;
            }
            let Some(value) = frame.judgeable(parameter) else { continue };
            if timed {
                *newest = frame.at;
            }
            for place in self.rules.of(parameter) {
                let limit = &self.rules.limits[place];
                if let Some(step) = self.limits[place].observe(limit, value, event, frame.received_at) {
                    out.push(self.limit_signal(&limit.rule, step));
                }
            }
        }
    }

    /// An implausible value is judged by no limit (design §4.1): that it stays so is a technical alarm.
    fn look_for_life(&mut self, frame: &Frame, timed: bool, out: &mut Vec<Signal>) {
        let (mut said, mut news) = (false, false);
        let unvalued = frame.marks.iter().map(|(parameter, _)| *parameter).filter(|p| frame.values.get(*p).is_none());
        for parameter in frame.values.iter().map(|(parameter, _)| parameter).chain(unvalued) {
            if !parameter.sign_of_life() {
                continue;
            }
            said = true;
            let newest = &mut self.newest_life[parameter.index()];
            if timed && frame.at <= *newest {
                continue;
            }
            news = true;
            if timed {
                *newest = frame.at;
            }
            let bit = 1 << parameter.index();
            let implausible = frame.mark(parameter) == Some(Validity::Implausible);
            self.implausible_now = if implausible { self.implausible_now | bit } else { self.implausible_now & !bit };
        }
        // What was redelivered, or came late, says nothing about now.
        if said && !news {
            return;
        }
        let rule = &self.rules.implausible;
        let change =
            self.implausible.heard(frame.received_at, self.implausible_now == 0, rule.us, self.rules.silence.us);
        out.extend(change.map(|change| self.technical_signal(&self.rules.implausible.rule, change, frame.received_at)));
    }

    /// The earliest deadline; of equal ones the first rule's, so that a replay fires in the same order.
    fn next(&self) -> Option<(Timestamp, Due)> {
        let limits = self.limits.iter().enumerate();
        let limits = limits.filter_map(|(place, state)| Some((state.fires()?, Due::Limit(place))));
        let receive = [
            (self.silence.due(), Due::Silence),
            (self.suspect.due(), Due::Suspect),
            (self.simulated.due(), Due::Simulated),
            (self.duplicate.due(), Due::Duplicate),
        ];
        let receive = receive.into_iter().filter(|_| self.held.is_none());
        limits.chain(receive.filter_map(|(due, who)| Some((due?, who)))).min_by_key(|(due, _)| *due)
    }

    fn fire(&mut self, who: Due, due: Timestamp, out: &mut Vec<Signal>) {
        let (rule, change) = match who {
            Due::Limit(place) => {
                let step = self.limits[place].fire();
                out.extend(step.map(|step| self.limit_signal(&self.rules.limits[place].rule, step)));
                return;
            }
            Due::Silence => (&self.rules.silence.rule, self.silence.fire()),
            Due::Suspect => (&self.rules.suspect.rule, self.suspect.fire()),
            Due::Simulated => (&self.rules.simulated.rule, self.simulated.fire()),
            Due::Duplicate => (&self.rules.duplicate.rule, self.duplicate.fire()),
        };
        out.extend(change.map(|change| self.technical_signal(rule, change, due)));
    }

    fn release(&mut self, at: Timestamp) {
        if let Some(held) = self.held.take() {
            self.shift_receive_timers(at.micros_since(held).max(0));
        }
    }

    fn shift_receive_timers(&mut self, us: i64) {
        self.silence.shift(us);
        self.no_live.shift(us);
        self.implausible.shift(us);
        self.suspect.shift(us);
        self.simulated.shift(us);
        self.duplicate.shift(us);
    }

    fn limit_signal(&self, rule: &Arc<RuleVersion>, step: Step) -> Signal {
        let Step { what, at, received_at, onset_at, value } = step;
        Signal { device: Some(self.device), rule: rule.clone(), what, at, received_at, onset_at, value: Some(value) }
    }

    fn technical_signal(&self, rule: &Arc<RuleVersion>, change: Change, received_at: Timestamp) -> Signal {
        let (what, at, onset_at) = change;
        Signal { device: Some(self.device), rule: rule.clone(), what, at, received_at, onset_at, value: None }
    }
}
