use std::fmt::Write;

use crate::{Parameter, Priority, RuleVersionId};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Bound {
    /// Alarm above.
    Upper,
    /// Alarm below.
    Lower,
}

/// When an alarm condition holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Condition {
    /// A value beyond `limit` for `onset_ms` of offset-corrected event time; it ends once the value is back by `dead_band`.
    Limit { parameter: Parameter, bound: Bound, limit: f32, onset_ms: i64, dead_band: f32 },
    /// Nothing received for this long, on receive time.
    Silence { after_ms: i64 },
    /// Frames arrive, none of them live, for this long, on receive time.
    NoLiveFrames { after_ms: i64 },
    /// The device's clock stepped or runs ahead of ours; ends after this long without another such frame.
    ClockSuspect { quiet_ms: i64 },
    /// A live device says that its data is simulated; ends after this long without another such frame.
    SimulatedData { quiet_ms: i64 },
    /// Clients with its identity take over from each other; ends after this long without a takeover too many.
    DuplicateIdentity { quiet_ms: i64 },
    /// A sign of life stays outside its plausible range for this long, on receive time: a standstill, or a bad sensor.
    Implausible { after_ms: i64 },
    /// Vigil itself: raised and ended by `server` (the database is away, judging stalls).
    System,
}

/// One immutable version of a rule. Changing a limit makes another version with another identifier.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleVersion {
    pub id: RuleVersionId,
    /// Stable name, such as `hr_high`.
    pub code: String,
    pub priority: Priority,
    pub condition: Condition,
}

impl RuleVersion {
    pub fn new(code: &str, priority: Priority, condition: Condition) -> Self {
        let mut body = String::new();
        write!(body, "{code} {priority:?} {condition:?}").expect("a String takes everything");
        Self { id: RuleVersionId::derive(&body), code: code.to_owned(), priority, condition }
    }

    /// Technical alarms are about the equipment, all others about the patient (IEC 60601-1-8).
    pub const fn technical(&self) -> bool {
        !matches!(self.condition, Condition::Limit { .. })
    }
}
