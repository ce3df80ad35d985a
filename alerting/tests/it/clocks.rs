//! A bed is never muted by its clock, and history never pages (P6).

use vitals::{Flags, Parameter};

use crate::ward::{LIVE, Ward, frame, high, hr};

/// One frame a second, high from second 100 on, under a clock that is `wrong(second)` seconds off; the sides agree on judging.
fn crossed(wrong: impl Fn(f64) -> f64) -> Vec<String> {
    let mut ward = Ward::new(&[high()]);
    for second in 0..130 {
        let second = f64::from(second);
        let value = if second < 100.0 { 80.0 } else { 130.0 };
        ward.take(&frame(second, second + wrong(second), LIVE, &[(Parameter::Hr, value)]));
    }
    ward.limits()
}

#[test]
fn a_crossed_limit_raises_its_alarm_whatever_the_clock_says() {
    let expected = ["high raised(130)@110"];
    assert_eq!(crossed(|_| 0.0), expected);
    assert_eq!(crossed(|_| -3_600.0), expected, "an hour slow");
    assert_eq!(crossed(|_| 90.0), expected, "fast");
    assert_eq!(crossed(|second| if second < 50.0 { 0.0 } else { -600.0 }), expected, "stepped back");
    assert_eq!(crossed(|second| if second < 50.0 { 0.0 } else { 60.0 }), expected, "stepped ahead");
    assert_eq!(crossed(|second| second * 0.0001), expected, "drifting");
}

#[test]
fn a_clock_that_steps_back_while_a_limit_is_violated_keeps_the_timer() {
    let mut ward = Ward::new(&[high()]);
    for second in 0..20 {
        let second = f64::from(second);
        let at = if second < 5.0 { second } else { second - 600.0 };
        ward.take(&frame(second, at, LIVE, &[(Parameter::Hr, 130.0)]));
    }
    assert_eq!(ward.limits(), ["high raised(130)@10"]);
}

#[test]
fn one_frame_from_2036_freezes_nothing() {
    let mut ward = Ward::new(&[high()]);
    let future = LIVE.with(Flags::NO_TIME).with(Flags::CLOCK_SUSPECT);
    for second in 0..20 {
        let at = f64::from(second);
        let flags = if second == 3 { future } else { LIVE };
        ward.take(&frame(at, at, flags, &[(Parameter::Hr, 130.0)]));
    }
    assert_eq!(ward.limits(), ["high raised(130)@10"]);
    assert!(ward.told().contains(&"clock raised@3".to_owned()));
}

#[test]
fn a_device_without_a_clock_is_judged_by_ours() {
    let mut ward = Ward::new(&[high()]);
    for second in 0..=12 {
        let at = f64::from(second);
        let value = if second < 12 { 130.0 } else { 90.0 };
        ward.take(&frame(at, at, LIVE.with(Flags::NO_TIME), &[(Parameter::Hr, value)]));
    }
    assert_eq!(ward.limits(), ["high raised(130)@10", "high cleared(130)@12"]);
}

#[test]
fn shuffled_history_never_pages() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 80.0));
    for step in 0..3_600 {
        // 1,607 is coprime to 3,600: every second of an hour once, in no order.
        let at = -f64::from(step * 1_607 % 3_600);
        let flags = if step % 2 == 0 { Flags::HIST } else { Flags::default() };
        ward.take(&frame(0.001 * f64::from(step + 1), at, flags, &[(Parameter::Hr, 190.0)]));
    }
    ward.advance(5.0);
    assert_eq!(ward.told(), [] as [&str; 0]);
}
