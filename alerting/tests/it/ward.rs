//! What the engine's tests speak in: seconds, values, and signals as text.

use std::sync::Arc;

use alerting::engine::{DeviceWatch, Rules, Signal};
use vitals::{
    Bound, Condition, DeviceKey, DeviceProfile, Flags, Frame, Parameter, Priority, RuleVersion, Timestamp, Values,
};

pub(crate) const BED: DeviceKey = DeviceKey(1);
pub(crate) const LIVE: Flags = Flags::LIVE.with(Flags::JUDGED);

/// `s` seconds into the test, to the millisecond.
pub(crate) fn sec(s: f64) -> Timestamp {
    Timestamp::from_millis(1_795_428_000_000 + (s * 1_000.0).round() as i64)
}

pub(crate) fn frame(received: f64, at: f64, flags: Flags, values: &[(Parameter, f32)]) -> Frame {
    let mut kept = Values::default();
    values.iter().for_each(|(parameter, value)| kept.set(*parameter, *value));
    let (at, received_at) = (sec(at), sec(received));
    Frame { device: BED, at, received_at, seq: None, flags, values: kept, marks: Vec::new() }
}

pub(crate) fn hr(at: f64, value: f32) -> Frame {
    frame(at, at, LIVE, &[(Parameter::Hr, value)])
}

pub(crate) fn limit(code: &str, bound: Bound, limit: f32, onset_ms: i64, dead_band: f32) -> Arc<RuleVersion> {
    let condition = Condition::Limit { parameter: Parameter::Hr, bound, limit, onset_ms, dead_band };
    Arc::new(RuleVersion::new(code, Priority::Medium, condition))
}

/// HR above 120 for ten seconds, back at 117.
pub(crate) fn high() -> Arc<RuleVersion> {
    limit("high", Bound::Upper, 120.0, 10_000, 3.0)
}

pub(crate) struct Ward {
    pub(crate) watch: DeviceWatch,
    pub(crate) signals: Vec<Signal>,
}

impl Ward {
    pub(crate) fn new(rules: &[Arc<RuleVersion>]) -> Self {
        Self::with(Rules::new(rules, DeviceProfile::Bedside))
    }

    pub(crate) fn with(rules: Rules) -> Self {
        Self { watch: DeviceWatch::new(BED, Arc::new(rules)), signals: Vec::new() }
    }

    pub(crate) fn take(&mut self, frame: &Frame) {
        self.watch.frame(frame, &mut self.signals);
    }

    pub(crate) fn advance(&mut self, to: f64) {
        self.watch.advance(sec(to), &mut self.signals);
    }

    pub(crate) fn hold(&mut self, on: bool, at: f64) {
        self.watch.hold(on, sec(at), &mut self.signals);
    }

    pub(crate) fn connected(&mut self, on: bool, at: f64) {
        self.watch.connected(on, sec(at), &mut self.signals);
    }

    pub(crate) fn flapping(&mut self, at: f64) {
        self.watch.flapping(sec(at), &mut self.signals);
    }

    pub(crate) fn restart(&mut self, stopped: f64, started: f64) {
        self.watch.restart(sec(stopped), sec(started), &mut self.signals);
    }

    pub(crate) fn slept(&mut self, from: f64, until: f64) {
        self.watch.slept(sec(from), sec(until), &mut self.signals);
    }

    /// `code what@seconds` with the value of a limit in brackets.
    pub(crate) fn told(&self) -> Vec<String> {
        self.signals.iter().map(told).collect()
    }

    /// Without the alarms about the device itself.
    pub(crate) fn limits(&self) -> Vec<String> {
        self.signals.iter().filter(|signal| !signal.rule.technical()).map(told).collect()
    }
}

fn told(signal: &Signal) -> String {
    let seconds = signal.at.micros_since(sec(0.0)) as f64 / 1e6;
    let value = signal.value.map(|value| format!("({value})")).unwrap_or_default();
    format!("{} {}{value}@{seconds}", signal.rule.code, signal.what.word())
}
