//! Signs of life that stay implausible (decision 0007).

use alerting::engine::Rules;
use vitals::{DeviceProfile, Frame, Parameter, Validity};

use crate::ward::{LIVE, Ward, frame, high, hr};

fn standstill(second: f64) -> Frame {
    Frame { marks: vec![(Parameter::Hr, Validity::Implausible)], ..hr(second, 0.0) }
}

#[test]
fn a_heart_that_stands_still_is_somebodys_business() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 80.0));
    ward.take(&standstill(1.0));
    ward.take(&hr(2.0, 80.0));
    for second in 3..=8 {
        ward.take(&standstill(f64::from(second)));
        // A frame without a heart rate says nothing about it.
        ward.take(&frame(f64::from(second) + 0.5, f64::from(second) + 0.5, LIVE, &[(Parameter::NibpSys, 120.0)]));
    }
    ward.take(&hr(9.0, 80.0));
    assert_eq!(ward.told(), ["check_sensor raised@8", "check_sensor cleared@9"]);
}

#[test]
fn frames_far_apart_are_one_run() {
    for (profile, pace) in [(DeviceProfile::Bedside, 6.0), (DeviceProfile::Home, 60.0)] {
        let mut ward = Ward::with(Rules::new(&[], profile));
        for number in 0..3 {
            ward.take(&standstill(f64::from(number) * pace));
        }
        assert_eq!(ward.told(), ["check_sensor raised@5"], "{profile:?}");
    }
}

#[test]
fn another_mark_ends_it_whether_a_value_comes_with_it_or_not() {
    let plausible = hr(7.0, 80.0);
    let off = Frame { marks: vec![(Parameter::Hr, Validity::LeadOff)], ..hr(7.0, 0.0) };
    let absent = Frame { marks: off.marks.clone(), ..frame(7.0, 7.0, LIVE, &[]) };
    for last in [plausible, off, absent] {
        let mut ward = Ward::new(&[]);
        (0..=6).for_each(|second| ward.take(&standstill(f64::from(second))));
        ward.take(&last);
        assert_eq!(ward.told(), ["check_sensor raised@5", "check_sensor cleared@7"], "{:?}", last.marks);
    }
}

#[test]
fn a_frame_that_comes_late_or_again_says_nothing_about_now() {
    let mut ward = Ward::new(&[]);
    for second in 0..=6 {
        let second = f64::from(second);
        ward.take(&if second < 1.0 { hr(second, 80.0) } else { standstill(second) });
        // Redelivered, and one that was on its way for two seconds.
        ward.take(&frame(second + 0.3, 0.0, LIVE, &[(Parameter::Hr, 80.0)]));
        ward.take(&frame(second + 0.6, second - 2.0, LIVE, &[(Parameter::Hr, 80.0)]));
        // Of the very moment: the first word stands.
        ward.take(&frame(second + 0.9, second, LIVE, &[(Parameter::Hr, 80.0)]));
    }
    assert_eq!(ward.told(), ["check_sensor raised@6"]);
}

#[test]
fn a_clock_that_steps_back_does_not_keep_it_on() {
    let mut ward = Ward::new(&[]);
    (0..=6).for_each(|second| ward.take(&standstill(f64::from(second))));
    ward.take(&frame(7.0, 7.0 - 600.0, LIVE, &[(Parameter::Hr, 80.0)]));
    assert_eq!(ward.told(), ["check_sensor raised@5", "check_sensor cleared@7"]);
}
