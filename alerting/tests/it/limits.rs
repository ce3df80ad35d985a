use vitals::{Bound, Parameter, Validity};

use crate::ward::{LIVE, Ward, frame, high, hr, limit};

/// Feeds (second, heart rate), lets time pass until `until`, and compares.
fn check(rules: &[std::sync::Arc<vitals::RuleVersion>], values: &[(f64, f32)], until: f64, expected: &[&str]) {
    let mut ward = Ward::new(rules);
    values.iter().for_each(|&(at, value)| ward.take(&hr(at, value)));
    ward.advance(until);
    assert_eq!(ward.limits(), expected, "{values:?} until {until}");
}

#[test]
fn a_limit_is_an_alarm_once_it_was_violated_for_its_delay() {
    for (values, until, expected) in [
        (&[(0.0, 121.0)][..], 9.999, &[][..]),
        (&[(0.0, 121.0)], 10.0, &["high raised(121)@10"]),
        (&[(0.0, 121.0), (9.0, 130.0)], 10.0, &["high raised(130)@10"]),
        (&[(0.0, 121.0), (5.0, 125.0), (9.0, 121.0)], 60.0, &["high raised(125)@10"]),
        // The limit itself is not beyond the limit.
        (&[(0.0, 120.0)], 60.0, &[]),
        (&[(0.0, 121.0), (5.0, 120.0), (6.0, 121.0)], 15.999, &[]),
        (&[(0.0, 121.0), (5.0, 120.0), (6.0, 121.0)], 16.0, &["high raised(121)@16"]),
        (&[(0.0, 121.0), (12.0, 90.0)], 60.0, &["high raised(121)@10", "high cleared(121)@12"]),
    ] {
        check(&[high()], values, until, expected);
    }
}

#[test]
fn an_alarm_ends_only_past_its_dead_band() {
    let raised = "high raised(130)@10";
    for (value, expected) in [(118.0, &[raised][..]), (117.0, &[raised, "high cleared(130)@12"])] {
        check(&[high()], &[(0.0, 130.0), (12.0, value)], 60.0, expected);
    }
    let low = limit("low", Bound::Lower, 50.0, 0, 3.0);
    for (value, expected) in [
        (52.0, &["low raised(49)@0"][..]),
        (53.0, &["low raised(49)@0", "low cleared(49)@1"]),
        (50.0, &["low raised(49)@0"]),
    ] {
        check(std::slice::from_ref(&low), &[(0.0, 49.0), (1.0, value)], 60.0, expected);
    }
}

#[test]
fn a_worse_value_is_told_once_a_second_and_never_lost() {
    let at_once = limit("now", Bound::Upper, 120.0, 0, 0.0);
    check(
        &[at_once],
        &[
            (0.0, 130.0),
            (0.4, 140.0),
            (0.8, 150.0),
            (1.2, 135.0),
            (1.4, 160.0),
            (3.0, 125.0),
            (4.0, 125.0),
            (5.0, 100.0),
        ],
        60.0,
        &["now raised(130)@0", "now updated(150)@1.2", "now updated(160)@3", "now cleared(160)@5"],
    );
}

#[test]
fn two_limits_of_one_parameter_go_their_own_ways() {
    let rules = [high(), limit("extreme", Bound::Upper, 140.0, 3_000, 3.0)];
    check(
        &rules,
        &[(0.0, 150.0), (4.0, 130.0), (11.0, 130.0), (12.0, 110.0)],
        60.0,
        &["extreme raised(150)@3", "extreme cleared(150)@4", "high raised(150)@10", "high cleared(150)@12"],
    );
}

#[test]
fn a_value_that_is_not_to_be_trusted_is_absent() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 130.0));
    let mut off = hr(5.0, 80.0);
    off.marks = vec![(Parameter::Hr, Validity::LeadOff)];
    ward.take(&off);
    ward.advance(10.0);
    assert_eq!(ward.limits(), ["high raised(130)@10"]);
    let mut implausible = hr(11.0, 350.0);
    implausible.marks = vec![(Parameter::Hr, Validity::Implausible)];
    ward.take(&implausible);
    assert_eq!(ward.limits().len(), 1, "an implausible value makes nothing worse");
}

#[test]
fn a_value_no_newer_than_the_last_judged_one_is_ignored() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&frame(0.0, 0.0, LIVE, &[(Parameter::Hr, 130.0)]));
    ward.take(&frame(3.0, 0.0, LIVE, &[(Parameter::Hr, 80.0)]));
    ward.take(&frame(4.0, -2.0, LIVE, &[(Parameter::Hr, 80.0)]));
    ward.advance(10.0);
    assert_eq!(ward.limits(), ["high raised(130)@10"]);
}

#[test]
fn a_late_burst_does_not_page_on_its_first_frame() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 80.0));
    // Fourteen seconds off the net, then all at once: one artefact among them.
    for second in 1..=14 {
        let value = if second == 1 { 190.0 } else { 80.0 };
        ward.take(&frame(14.0 + f64::from(second) / 1_000.0, f64::from(second), LIVE, &[(Parameter::Hr, value)]));
    }
    ward.advance(60.0);
    assert_eq!(ward.limits(), [] as [&str; 0]);
    // The same burst, high all along, is an alarm of its own moment.
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 80.0));
    for second in 1..=14 {
        ward.take(&frame(14.0 + f64::from(second) / 1_000.0, f64::from(second), LIVE, &[(Parameter::Hr, 190.0)]));
    }
    assert_eq!(ward.limits(), ["high raised(190)@11"]);
}
