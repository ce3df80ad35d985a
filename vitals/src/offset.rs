use crate::Timestamp;

/// How far a device's clock is from ours: the least delay seen in ten minutes, since no frame arrives before it was made.
///
/// The same code estimates in ingest (every frame, to decide what is live) and in the alarm engine (judged frames,
/// so that a replay of the table finds the same times).
#[derive(Clone, Debug, Default)]
pub struct ClockOffset {
    /// (minute since 1970, least delay in µs seen in it), a ring by minute.
    minutes: [Option<(i64, i64)>; MINUTES],
    steady: Option<Steady>,
    /// Since when every frame is ahead of the known offset by more than the window.
    ahead: Option<Timestamp>,
}

const MINUTES: usize = 10;

/// A constant delay over this span of receive time is a stepped clock, not a backlog being sent.
/// Shorter than the 30 s after which a bed without a live frame raises a technical alarm.
const STEADY_US: i64 = 10_000_000;

/// By how much a delay may fall below the run's first one and still count as constant: a backlog that catches up shrinks
/// faster than this. How much it grows is ordinary lateness, a radio's or an array's.
const STEADY_FALL_US: i64 = 1_000_000;

/// A run of late frames whose delay does not shrink.
#[derive(Clone, Copy, Debug)]
struct Steady {
    since: Timestamp,
    /// The run's first delay; not lowered bit by bit, or a slow catch-up would slip through.
    delay: i64,
}

/// What one frame says about its device's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Observed {
    /// Add this to event time to get our time, in µs.
    pub offset_us: i64,
    /// The frame is not later than the profile's live window.
    pub live: bool,
    /// With this frame the clock was found to have stepped.
    pub stepped: bool,
}

impl ClockOffset {
    /// What an estimate in the minute that begins at some moment still knows of the time before that moment.
    pub const MEMORY_MS: i64 = (MINUTES as i64 - 1) * 60_000;

    /// Comes to where `follow` comes with frames of which only each minute's least delay is known: (any moment in it, the
    /// delay in µs), in the order of time. Exact as long as no two of the frames' delays differ by more than the live window: then none was
    /// a step, whatever came before.
    pub fn recalled(minutes: impl IntoIterator<Item = (Timestamp, i64)>) -> Self {
        let mut known = Self::default();
        minutes.into_iter().for_each(|(received_at, least)| known.note(least, received_at));
        known
    }

    /// Starts from what was known before, so that a backlog sent after a restart is not taken for a slow clock.
    pub fn remembered(offset_us: i64, received_at: Timestamp) -> Self {
        let mut known = Self::default();
        known.note(offset_us, received_at);
        known
    }

    pub fn offset_us(&self, now: Timestamp) -> Option<i64> {
        let oldest = minute(now) - MINUTES as i64;
        self.minutes.iter().flatten().filter(|(at, _)| *at > oldest).map(|(_, least)| *least).min()
    }

    /// Takes in one frame that the device did not call back-fill. A device never heard of is first believed to be right.
    pub fn observe(&mut self, at: Timestamp, received_at: Timestamp, live_window_ms: i64) -> Observed {
        let delay = received_at.micros_since(at);
        let (offset, window) = (self.offset_us(received_at), live_window_ms * 1_000);
        let known = offset.unwrap_or(0);
        if offset.is_some() && known - delay > window {
            // Judged and shown; believed once it lasts, or one stray frame from ahead would mute those that are right.
            let since = *self.ahead.get_or_insert(received_at);
            if received_at.micros_since(since) < STEADY_US {
                return Observed { offset_us: delay, live: true, stepped: false };
            }
        }
        self.ahead = None;
        if delay - known <= window {
            self.steady = None;
            return self.live(delay, offset, received_at);
        }
        let steady = self.steady.get_or_insert(Steady { since: received_at, delay });
        if steady.delay - delay > STEADY_FALL_US {
            *steady = Steady { since: received_at, delay };
        }
        let Steady { since, delay: usual } = *steady;
        if received_at.micros_since(since) >= STEADY_US && delay - usual <= window {
            let offset_us = usual.min(delay);
            self.rebase(offset_us, received_at);
            return Observed { offset_us, live: true, stepped: true };
        }
        Observed { offset_us: known, live: false, stepped: false }
    }

    /// Takes in one frame that is known to have been judged: one later than the window means that the clock stepped.
    pub fn follow(&mut self, at: Timestamp, received_at: Timestamp, live_window_ms: i64) -> Observed {
        let delay = received_at.micros_since(at);
        let offset = self.offset_us(received_at);
        if delay - offset.unwrap_or(0) <= live_window_ms * 1_000 {
            return self.live(delay, offset, received_at);
        }
        self.rebase(delay, received_at);
        Observed { offset_us: delay, live: true, stepped: true }
    }

    /// `before`: the offset without this frame.
    fn live(&mut self, delay: i64, before: Option<i64>, received_at: Timestamp) -> Observed {
        self.note(delay, received_at);
        Observed { offset_us: before.map_or(delay, |before| before.min(delay)), live: true, stepped: false }
    }

    fn rebase(&mut self, delay: i64, received_at: Timestamp) {
        *self = Self::remembered(delay, received_at);
    }

    fn note(&mut self, delay: i64, received_at: Timestamp) {
        let minute = minute(received_at);
        let slot = &mut self.minutes[minute.rem_euclid(MINUTES as i64) as usize];
        match slot {
            Some((at, least)) if *at == minute => *least = delay.min(*least),
            _ => *slot = Some((minute, delay)),
        }
    }
}

fn minute(at: Timestamp) -> i64 {
    at.micros().div_euclid(60_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW_MS: i64 = 15_000;

    /// Feeds (receive time, event time) in seconds; answers which were live.
    fn live(frames: &[(i64, i64)]) -> Vec<bool> {
        let mut clock = ClockOffset::default();
        let seconds = |s: i64| Timestamp::from_millis(1_000_000_000 + s * 1_000);
        frames.iter().map(|&(received, at)| clock.observe(seconds(at), seconds(received), WINDOW_MS).live).collect()
    }

    #[test]
    fn a_right_clock_is_live_and_a_backlog_is_not() {
        assert_eq!(
            live(&[(100, 100), (200, 110), (200, 111), (201, 190), (202, 202)]),
            [true, false, false, true, true]
        );
    }

    #[test]
    fn a_slow_clock_is_live_within_ten_seconds() {
        let frames: Vec<_> = (0..15).map(|s| (s, s - 3_600)).collect();
        let live = live(&frames);
        assert!(!live[0] && live[10] && live[14]);
    }

    #[test]
    fn a_clock_that_steps_back_is_live_again_within_ten_seconds() {
        let frames: Vec<_> = (0..60).map(|s| (s, if s < 30 { s } else { s - 600 })).collect();
        let live = live(&frames);
        assert!(live[29] && !live[30] && live[40..].iter().all(|&live| live));
    }

    #[test]
    fn a_backlog_that_catches_up_is_never_live() {
        // Ten minutes of frames sent at ten times their pace.
        let frames: Vec<_> = (0..600).map(|n| (1_000 + n / 10, n)).collect();
        assert!(live(&frames).iter().all(|&live| !live));
    }

    #[test]
    fn one_frame_from_ahead_mutes_nobody() {
        assert_eq!(live(&[(0, 0), (1, 1), (2, 102), (3, 3), (4, 4)]), [true; 5]);
    }

    #[test]
    fn a_clock_that_steps_ahead_is_believed_once_it_lasts() {
        let frames: Vec<_> = (0..60).map(|s| (s, if s < 20 { s } else { s + 100 })).collect();
        assert!(live(&frames).iter().all(|&live| live));
        let mut clock = ClockOffset::default();
        let at = |s: i64| Timestamp::from_millis(1_000_000_000 + s * 1_000);
        for (received, event) in frames {
            assert!(clock.observe(at(event), at(received), WINDOW_MS).live);
        }
        assert_eq!(clock.offset_us(at(60)), Some(-100_000_000));
    }

    #[test]
    fn a_slow_clock_behind_a_jittery_radio_is_live() {
        // An hour slow; every eighth frame comes 1.2 s late.
        let mut clock = ClockOffset::default();
        let live = (0..600).filter(|second: &i64| {
            let received =
                Timestamp::from_millis(5_000_000_000 + second * 1_000 + if second % 8 == 0 { 1_200 } else { 0 });
            clock.observe(Timestamp::from_millis(5_000_000_000 + second * 1_000 - 3_600_000), received, WINDOW_MS).live
        });
        assert!(live.count() > 580);
    }

    #[test]
    fn a_slow_clock_that_sends_arrays_is_live() {
        // Five frames of a second each, sent together once the last one is made.
        let mut clock = ClockOffset::default();
        let live = (0..600).filter(|second: &i64| {
            let received = Timestamp::from_millis(5_000_000_000 + (second / 5 * 5 + 5) * 1_000);
            clock.observe(Timestamp::from_millis(5_000_000_000 + second * 1_000 - 3_600_000), received, WINDOW_MS).live
        });
        assert!(live.count() > 580);
    }

    #[test]
    fn a_backlog_sent_a_little_faster_than_it_was_made_is_not_live() {
        let mut clock = ClockOffset::default();
        let live = (0..600).filter(|second: &i64| {
            let received = Timestamp::from_millis(5_000_000_000 + second * 1_000 * 2 / 3);
            clock.observe(Timestamp::from_millis(5_000_000_000 - 3_600_000 + second * 1_000), received, WINDOW_MS).live
        });
        assert_eq!(live.count(), 0);
    }

    #[test]
    fn a_remembered_offset_keeps_a_backlog_out() {
        let received = Timestamp::from_millis(5_000_000_000);
        let mut clock = ClockOffset::remembered(0, received);
        assert!(!clock.observe(received.plus_millis(-300_000), received, WINDOW_MS).live);
    }
}
