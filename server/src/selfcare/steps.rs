use std::sync::LazyLock;
use std::time::Instant;

use vitals::Clock;

/// What NTP slews in a second stays far below it: whatever moves the clock further has set it.
const STEP_US: i64 = 1_000_000;
/// A step is told about for this long after the last one.
const QUIET_US: i64 = 10 * 60 * 1_000_000;
/// Between the two clocks the process may be held up; a pair that is less certain is thrown away.
const CERTAIN_US: i64 = 100_000;
const TRIES: usize = 10;

/// The machine's clock and the steady one, read at the same time, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reading {
    wall_us: i64,
    steady_us: i64,
}

impl Reading {
    /// None: each try was interrupted. A process that is stopped in between (SIGSTOP) would see a step where there is none.
    pub(super) fn take() -> Option<Self> {
        static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
        let steady = || ORIGIN.elapsed().as_micros() as i64;
        (0..TRIES).find_map(|_| {
            let before_us = steady();
            // A clock of its own for each look: one that is kept hides that it was set back.
            let wall_us = Clock::system().now().micros();
            (steady() - before_us < CERTAIN_US).then_some(Self { wall_us, steady_us: before_us })
        })
    }
}

/// Finds steps of the machine's clock: what it gained on the steady one since the last look. While the process is
/// frozen both go on.
#[derive(Debug, Default)]
pub(super) struct Steps {
    last: Option<Reading>,
    /// On the steady clock.
    stepped_at_us: Option<i64>,
}

impl Steps {
    /// By how much the clock was set since the last look, where it was; negative when it was set back.
    pub(super) fn look(&mut self, now: Reading) -> Option<i64> {
        let last = self.last.replace(now)?;
        let step_us = (now.wall_us - last.wall_us) - (now.steady_us - last.steady_us);
        if step_us.abs() > STEP_US {
            self.stepped_at_us = Some(now.steady_us);
            return Some(step_us);
        }
        self.stepped_at_us = self.stepped_at_us.filter(|at| now.steady_us - at < QUIET_US);
        None
    }

    /// Whether there was one within the quiet time.
    pub(super) const fn recent(&self) -> bool {
        self.stepped_at_us.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: i64 = 1_000_000;

    #[test]
    fn only_what_one_clock_does_without_the_other_is_a_step() {
        let mut steps = Steps::default();
        // (machine's clock, steady clock, step, whether it is told), from look to look.
        for (wall_us, steady_us, step, recent) in [
            // The first look has nothing to compare with, whatever year it is.
            (1_800_000_000 * S, 7 * S, None, false),
            (1_800_000_001 * S, 8 * S, None, false),
            // Slewed by less than a second, both ways, and by exactly one.
            (1_800_000_002 * S + 900_000, 9 * S, None, false),
            (1_800_000_003 * S, 10 * S, None, false),
            (1_800_000_005 * S, 11 * S, None, false),
            // Frozen for an hour: both went on.
            (1_800_003_605 * S, 3_611 * S, None, false),
            // Forward by two seconds, then back by an hour.
            (1_800_003_608 * S, 3_612 * S, Some(2 * S), true),
            (1_800_003_609 * S, 3_613 * S, None, true),
            (1_800_000_010 * S, 3_614 * S, Some(-3_600 * S), true),
            // Told until ten minutes after the last one.
            (1_800_000_010 * S + 599 * S, 4_213 * S, None, true),
            (1_800_000_010 * S + 600 * S, 4_214 * S, None, false),
            (1_800_000_010 * S + 601 * S, 4_215 * S, None, false),
        ] {
            assert_eq!(steps.look(Reading { wall_us, steady_us }), step, "at {steady_us}");
            assert_eq!(steps.recent(), recent, "at {steady_us}");
        }
    }

    #[test]
    fn this_machines_clocks_agree() {
        let mut steps = Steps::default();
        for _ in 0..100 {
            if let Some(reading) = Reading::take() {
                assert_eq!(steps.look(reading), None);
            }
        }
        assert!(steps.last.is_some());
    }
}
