//! One limit of one device: clear, pending for the onset delay, active until the value is back by the dead-band.

use vitals::{Timestamp, What};

use super::Limit;

/// A backlog's frames come right behind each other: the first one, whose deadline may have passed on the way, does
/// not page before the second had this long to deny it.
const GRACE_US: i64 = 1_000_000;

/// A worsening value is told at most this often, in event time.
const UPDATE_EVERY_US: i64 = 1_000_000;

#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum LimitState {
    #[default]
    Clear,
    Pending {
        onset: Timestamp,
        /// Event time: the alarm's own moment.
        due: Timestamp,
        /// Receive time from which the passing of time alone raises it.
        fires: Timestamp,
        extreme: f32,
    },
    Active {
        onset: Timestamp,
        raised: Timestamp,
        extreme: f32,
        told: f32,
        told_at: Timestamp,
    },
}

/// What became of a limit with one input.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) what: What,
    pub(super) at: Timestamp,
    pub(super) received_at: Timestamp,
    pub(super) onset_at: Timestamp,
    pub(super) value: f32,
}

impl LimitState {
    /// Takes a valid value: `event` is its corrected time.
    pub(super) fn observe(
        &mut self,
        limit: &Limit,
        value: f32,
        event: Timestamp,
        received_at: Timestamp,
    ) -> Option<Step> {
        match self {
            Self::Clear if !limit.violated(value) => None,
            Self::Clear if limit.onset_us == 0 => Some(self.raise(event, event, received_at, value)),
            Self::Clear => {
                let due = event.plus_micros(limit.onset_us);
                let fires = due.max(received_at.plus_micros(GRACE_US.min(limit.onset_us)));
                *self = Self::Pending { onset: event, due, fires, extreme: value };
                None
            }
            Self::Pending { .. } if !limit.violated(value) => {
                *self = Self::Clear;
                None
            }
            Self::Pending { onset, due, extreme, .. } => {
                if limit.worse(value, *extreme) {
                    *extreme = value;
                }
                let (onset, due, extreme) = (*onset, *due, *extreme);
                (event >= due).then(|| self.raise(onset, due, received_at, extreme))
            }
            Self::Active { onset, raised, extreme, .. } if limit.ended(value) => {
                let (onset_at, at, value) = (*onset, event.max(*raised), *extreme);
                *self = Self::Clear;
                Some(Step { what: What::Cleared, at, received_at, onset_at, value })
            }
            Self::Active { onset, extreme, told, told_at, .. } => {
                if limit.worse(value, *extreme) {
                    *extreme = value;
                }
                if !limit.worse(*extreme, *told) || event.micros_since(*told_at) < UPDATE_EVERY_US {
                    return None;
                }
                (*told, *told_at) = (*extreme, event);
                Some(Step { what: What::Updated, at: event, received_at, onset_at: *onset, value: *extreme })
            }
        }
    }

    /// The receive time at which `fire` is to be called, if nothing denies it before.
    pub(super) fn fires(&self) -> Option<Timestamp> {
        match self {
            Self::Pending { fires, .. } => Some(*fires),
            _ => None,
        }
    }

    pub(super) fn fire(&mut self) -> Option<Step> {
        let Self::Pending { onset, due, fires, extreme } = *self else { return None };
        Some(self.raise(onset, due, fires, extreme))
    }

    /// Time that does not count: a timer nine of ten seconds old is nine seconds old afterwards.
    pub(super) fn shift(&mut self, us: i64) {
        if let Self::Pending { due, fires, .. } = self {
            (*due, *fires) = (due.plus_micros(us), fires.plus_micros(us));
        }
    }

    pub(super) fn seed(&mut self, onset: Timestamp, raised: Timestamp, value: f32) {
        *self = Self::Active { onset, raised, extreme: value, told: value, told_at: raised };
    }

    pub(super) fn active_since(&self) -> Option<(Timestamp, f32)> {
        match self {
            Self::Active { onset, extreme, .. } => Some((*onset, *extreme)),
            _ => None,
        }
    }

    fn raise(&mut self, onset: Timestamp, at: Timestamp, received_at: Timestamp, value: f32) -> Step {
        self.seed(onset, at, value);
        Step { what: What::Raised, at, received_at, onset_at: onset, value }
    }
}
