//! The same input gives the same alarms (P8), whenever somebody looks at the clock, and across restarts.

use proptest::prelude::*;
use vitals::{Bound, Flags, Frame, Parameter};

use crate::ward::{LIVE, Ward, frame, high, hr, limit};

#[test]
fn nine_of_ten_seconds_before_a_restart_leave_one_after_it() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 130.0));
    ward.restart(9.0, 1_000.0);
    ward.advance(1_000.999);
    assert_eq!(ward.told(), [] as [&str; 0]);
    ward.advance(1_001.0);
    assert_eq!(ward.limits(), ["high raised(130)@1001"]);
    assert_eq!(ward.signals[0].onset_at, crate::ward::sec(0.0));
}

#[test]
fn down_time_is_not_silence() {
    let mut ward = Ward::new(&[]);
    ward.take(&hr(0.0, 80.0));
    ward.restart(7.0, 500.0);
    ward.advance(502.999);
    assert_eq!(ward.told(), [] as [&str; 0]);
    ward.advance(503.0);
    assert_eq!(ward.told(), ["no_data raised@503"]);
}

#[test]
fn an_alarm_survives_a_restart_and_ends_after_it() {
    let mut ward = Ward::new(&[high()]);
    for second in 0..=12 {
        ward.take(&hr(f64::from(second), 130.0));
    }
    ward.restart(12.0, 100.0);
    ward.take(&hr(100.5, 125.0));
    ward.take(&hr(101.0, 100.0));
    assert_eq!(ward.told(), ["high raised(130)@10", "high cleared(130)@101"]);
}

#[derive(Clone, Debug)]
enum Input {
    Frame(Frame),
    Restart { stopped: f64, started: f64 },
}

prop_compose! {
    fn step()(kind in 0..20, gap in 0.0..4.0f64, late in 0.0..6.0f64, value in 100..140, flag in 0..12) -> (i32, f64, f64, f32, i32) {
        (kind, gap, late, value as f32, flag)
    }
}

fn inputs(steps: &[(i32, f64, f64, f32, i32)]) -> Vec<Input> {
    let mut now = 0.0;
    steps
        .iter()
        .map(|&(kind, gap, late, value, flag)| {
            now += gap * if kind == 1 { 6.0 } else { 1.0 } + 0.001;
            if kind == 0 {
                let stopped = now;
                now += gap * 30.0;
                return Input::Restart { stopped, started: now };
            }
            let flags = match flag {
                0 => Flags::default(),
                1 => LIVE.with(Flags::CLOCK_SUSPECT),
                2 => LIVE.with(Flags::SIMULATED),
                _ => LIVE,
            };
            Input::Frame(frame(now, now - late, flags, &[(Parameter::Hr, value)]))
        })
        .collect()
}

/// Feeds the inputs; before each, advances to the given shares of the time since the one before.
fn run(inputs: &[Input], looks: impl Fn(usize) -> Vec<f64>) -> Vec<String> {
    let rules = [high(), limit("low", Bound::Lower, 105.0, 2_000, 2.0), limit("now", Bound::Upper, 135.0, 0, 5.0)];
    let mut ward = Ward::new(&rules);
    let seconds = |at: vitals::Timestamp| at.micros_since(crate::ward::sec(0.0)) as f64 / 1e6;
    let mut before = 0.0;
    for (index, input) in inputs.iter().enumerate() {
        let (next, after) = match input {
            Input::Frame(frame) => (seconds(frame.received_at), seconds(frame.received_at)),
            Input::Restart { stopped, started } => (*stopped, *started),
        };
        looks(index).into_iter().for_each(|share| ward.advance(before + (next - before).max(0.0) * share));
        match input {
            Input::Frame(frame) => ward.take(frame),
            Input::Restart { stopped, started } => ward.restart(*stopped, *started),
        }
        before = after;
    }
    ward.advance(before + 30.0);
    ward.signals.iter().map(|signal| format!("{signal:?}")).collect()
}

proptest! {
    #[test]
    fn looking_at_the_clock_changes_nothing(
        steps in prop::collection::vec(step(), 1..120),
        looks in prop::collection::vec(prop::collection::vec(0.0..1.0f64, 0..4), 120),
    ) {
        let inputs = inputs(&steps);
        let sorted = |index: usize| { let mut looks = looks[index].clone(); looks.sort_by(f64::total_cmp); looks };
        prop_assert_eq!(run(&inputs, |_| Vec::new()), run(&inputs, sorted));
    }
}
