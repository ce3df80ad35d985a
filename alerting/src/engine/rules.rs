use std::ops::Range;
use std::sync::Arc;

use vitals::{Bound, Condition, DeviceProfile, Parameter, Priority, RuleVersion, RuleVersionId};

/// Frames without a live one for this long are named (design §4.1).
const NO_LIVE_AFTER_MS: i64 = 30_000;

/// A sign of life outside its plausible range for this long is somebody's business: one artefact is not.
const IMPLAUSIBLE_AFTER_MS: i64 = 5_000;

/// A suspect clock, simulated data or an identity used twice is over after this long without another sign of it.
const QUIET_MS: i64 = 60_000;

/// A limit with its thresholds worked out.
#[derive(Debug)]
pub struct Limit {
    pub(super) rule: Arc<RuleVersion>,
    pub(super) bound: Bound,
    pub(super) limit: f32,
    /// The condition has ended once the value is back here.
    pub(super) end: f32,
    pub(super) onset_us: i64,
}

impl Limit {
    fn new(rule: &Arc<RuleVersion>) -> Option<(Parameter, Self)> {
        let Condition::Limit { parameter, bound, limit, onset_ms, dead_band } = rule.condition else { return None };
        let end = match bound {
            Bound::Upper => limit - dead_band,
            Bound::Lower => limit + dead_band,
        };
        Some((parameter, Self { rule: rule.clone(), bound, limit, end, onset_us: onset_ms * 1_000 }))
    }

    pub(super) fn violated(&self, value: f32) -> bool {
        self.worse(value, self.limit)
    }

    pub(super) fn ended(&self, value: f32) -> bool {
        match self.bound {
            Bound::Upper => value <= self.end,
            Bound::Lower => value >= self.end,
        }
    }

    pub(super) fn worse(&self, value: f32, than: f32) -> bool {
        match self.bound {
            Bound::Upper => value > than,
            Bound::Lower => value < than,
        }
    }
}

/// A technical rule and its time in µs.
#[derive(Debug)]
pub(super) struct Technical {
    pub(super) rule: Arc<RuleVersion>,
    pub(super) us: i64,
}

impl Technical {
    fn new(code: &str, ms: i64, condition: Condition) -> Self {
        Self { rule: Arc::new(RuleVersion::new(code, Priority::Medium, condition)), us: ms * 1_000 }
    }
}

/// What is judged on one device: its limits, grouped by parameter, and its technical rules. Shared by all devices alike.
#[derive(Debug)]
pub struct Rules {
    pub(super) limits: Box<[Limit]>,
    ranges: [Range<u8>; Parameter::COUNT],
    pub(super) silence: Technical,
    pub(super) no_live: Technical,
    pub(super) implausible: Technical,
    pub(super) suspect: Technical,
    pub(super) simulated: Technical,
    pub(super) duplicate: Technical,
    pub(super) live_window_ms: i64,
}

impl Rules {
    /// Takes the limits among `rules`, at most 255; the technical rules follow from the profile.
    pub fn new(rules: &[Arc<RuleVersion>], profile: DeviceProfile) -> Self {
        let mut limits: Vec<_> = rules.iter().filter_map(Limit::new).collect();
        limits.sort_by_key(|(parameter, _)| *parameter);
        limits.truncate(u8::MAX.into());
        let ranges = std::array::from_fn(|index| {
            let start = limits.partition_point(|(parameter, _)| parameter.index() < index);
            let end = limits.partition_point(|(parameter, _)| parameter.index() <= index);
            start as u8..end as u8
        });
        let after_ms = match profile {
            DeviceProfile::Bedside => 10_000,
            DeviceProfile::Home => 120_000,
        };
        Self {
            limits: limits.into_iter().map(|(_, limit)| limit).collect(),
            ranges,
            silence: Technical::new("no_data", after_ms, Condition::Silence { after_ms }),
            no_live: Technical::new(
                "no_live_frames",
                NO_LIVE_AFTER_MS,
                Condition::NoLiveFrames { after_ms: NO_LIVE_AFTER_MS },
            ),
            implausible: Technical {
                rule: Arc::new(RuleVersion::new(
                    "check_sensor",
                    Priority::High,
                    Condition::Implausible { after_ms: IMPLAUSIBLE_AFTER_MS },
                )),
                us: IMPLAUSIBLE_AFTER_MS * 1_000,
            },
            suspect: Technical::new("clock", QUIET_MS, Condition::ClockSuspect { quiet_ms: QUIET_MS }),
            simulated: Technical::new("simulated_data", QUIET_MS, Condition::SimulatedData { quiet_ms: QUIET_MS }),
            duplicate: Technical::new(
                "duplicate_identity",
                QUIET_MS,
                Condition::DuplicateIdentity { quiet_ms: QUIET_MS },
            ),
            live_window_ms: profile.live_window_ms(),
        }
    }

    pub(super) fn of(&self, parameter: Parameter) -> Range<usize> {
        let range = &self.ranges[parameter.index()];
        range.start.into()..range.end.into()
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<RuleVersion>> {
        let technical =
            [&self.silence, &self.no_live, &self.implausible, &self.suspect, &self.simulated, &self.duplicate];
        self.limits.iter().map(|limit| &limit.rule).chain(technical.into_iter().map(|technical| &technical.rule))
    }

    pub fn find(&self, id: RuleVersionId) -> Option<&Arc<RuleVersion>> {
        self.all().find(|rule| rule.id == id)
    }

    /// A frame later than its device's clock says, by more than this, is not live, in ms.
    pub fn live_window_ms(&self) -> i64 {
        self.live_window_ms
    }

    /// How long ago a frame may have come and still decide when something is raised or ends, in ms: a delay that runs, a
    /// condition that was shown, or a run of frames that neither a right one nor a pause has ended. Left out is what is known otherwise: when the device was
    /// heard last, how its clock goes, and which alarms are active.
    pub fn memory_ms(&self) -> i64 {
        let run = |rule: &Technical| rule.us + self.silence.us.max(rule.us);
        let shown = [&self.suspect, &self.simulated, &self.duplicate].map(|rule| rule.us);
        let longest = shown.into_iter().chain([self.longest_onset_us(), run(&self.no_live), run(&self.implausible)]);
        (longest.max().unwrap_or(0) + 999) / 1_000
    }

    /// The longest that a limit must be violated before it is an alarm, in µs.
    pub fn longest_onset_us(&self) -> i64 {
        self.limits.iter().map(|limit| limit.onset_us).max().unwrap_or(0)
    }
}
