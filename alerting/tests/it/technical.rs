use alerting::engine::{Rules, System};
use alerting::profiles::Profiles;
use vitals::{AgeClass, Condition, DeviceProfile, Flags, Parameter, Priority, What};

use crate::ward::{LIVE, Ward, frame, high, hr, sec};

#[test]
fn a_device_that_falls_silent_is_named_and_a_frame_ends_it() {
    let mut ward = Ward::new(&[]);
    ward.advance(1_000.0);
    assert_eq!(ward.told(), [] as [&str; 0], "nothing is expected of a device never heard");
    ward.take(&hr(1_000.0, 80.0));
    ward.advance(1_009.999);
    assert_eq!(ward.told(), [] as [&str; 0]);
    ward.advance(1_500.0);
    ward.take(&hr(1_600.0, 80.0));
    assert_eq!(ward.told(), ["no_data raised@1010", "no_data cleared@1600"]);
    assert_eq!(ward.signals[0].onset_at, sec(1_000.0));
    assert_eq!(ward.signals[0].received_at, sec(1_010.0));
}

#[test]
fn a_device_at_home_may_be_silent_for_two_minutes() {
    let mut ward = Ward::with(Rules::new(&[], DeviceProfile::Home));
    ward.take(&hr(0.0, 80.0));
    ward.advance(500.0);
    assert_eq!(ward.told(), ["no_data raised@120"]);
}

#[test]
fn a_device_that_we_hold_is_not_silent() {
    let mut ward = Ward::new(&[]);
    ward.take(&hr(0.0, 80.0));
    ward.hold(true, 4.0);
    ward.advance(60.0);
    ward.hold(false, 60.0);
    ward.advance(65.999);
    assert_eq!(ward.told(), [] as [&str; 0], "six of its ten seconds were left");
    ward.advance(66.0);
    assert_eq!(ward.told(), ["no_data raised@66"]);
}

#[test]
fn a_frame_read_during_a_hold_starts_the_ten_seconds_anew() {
    let mut ward = Ward::new(&[]);
    ward.take(&hr(0.0, 80.0));
    ward.hold(true, 4.0);
    ward.take(&hr(5.0, 80.0));
    ward.hold(false, 60.0);
    ward.advance(69.999);
    assert_eq!(ward.told(), [] as [&str; 0]);
    ward.advance(70.0);
    assert_eq!(ward.told(), ["no_data raised@70"]);
}

#[test]
fn time_that_we_slept_is_neither_silence_nor_persistence() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 130.0));
    ward.slept(4.0, 64.0);
    ward.advance(69.999);
    assert_eq!(ward.told(), [] as [&str; 0], "six of ten seconds were left");
    ward.advance(70.0);
    assert_eq!(ward.told(), ["high raised(130)@70", "no_data raised@70"]);
}

#[test]
fn what_was_due_before_we_slept_keeps_its_time() {
    let mut ward = Ward::new(&[]);
    ward.take(&hr(0.0, 80.0));
    ward.slept(12.0, 64.0);
    assert_eq!(ward.told(), ["no_data raised@10"]);
}

#[test]
fn connections_and_holds_outlast_our_sleep() {
    let mut ward = Ward::new(&[]);
    ward.connected(true, 0.0);
    ward.connected(true, 1.0);
    ward.slept(4.0, 64.0);
    ward.connected(false, 65.0);
    ward.advance(70.0);
    assert_eq!(ward.told(), ["no_data raised@70"], "one of two is left, and silent");
    let mut ward = Ward::new(&[]);
    ward.take(&hr(0.0, 80.0));
    ward.hold(true, 4.0);
    ward.slept(10.0, 70.0);
    ward.hold(false, 80.0);
    ward.advance(85.999);
    assert_eq!(ward.told(), [] as [&str; 0], "six of its ten seconds were left");
    ward.advance(86.0);
    assert_eq!(ward.told(), ["no_data raised@86"]);
}

#[test]
fn a_device_is_held_until_the_last_of_its_connections_is_read() {
    let mut ward = Ward::new(&[]);
    ward.take(&hr(0.0, 80.0));
    ward.hold(true, 4.0);
    ward.hold(true, 5.0);
    ward.hold(false, 6.0);
    ward.advance(60.0);
    assert_eq!(ward.told(), [] as [&str; 0], "one connection is still held");
    ward.hold(false, 60.0);
    ward.advance(66.0);
    assert_eq!(ward.told(), ["no_data raised@66"]);
}

#[test]
fn a_device_that_connects_and_never_speaks_is_missed_until_its_last_connection_goes() {
    let mut ward = Ward::new(&[]);
    ward.connected(true, 0.0);
    ward.connected(true, 3.0);
    ward.advance(9.999);
    assert_eq!(ward.told(), [] as [&str; 0]);
    ward.advance(10.0);
    ward.connected(false, 12.0);
    assert_eq!(ward.told(), ["no_data raised@10"], "the other connection is still there");
    ward.connected(false, 13.0);
    ward.advance(600.0);
    assert_eq!(ward.told(), ["no_data raised@10", "no_data cleared@13"]);
}

#[test]
fn a_device_that_spoke_and_went_is_missed() {
    let mut ward = Ward::new(&[]);
    ward.connected(true, 0.0);
    ward.take(&hr(5.0, 80.0));
    ward.connected(false, 6.0);
    ward.advance(600.0);
    assert_eq!(ward.told(), ["no_data raised@15"]);
}

#[test]
fn frames_without_a_live_one_are_named_after_thirty_seconds() {
    let mut ward = Ward::new(&[high()]);
    ward.take(&hr(0.0, 80.0));
    for second in 1..=40 {
        let second = f64::from(second);
        ward.take(&frame(second, second - 300.0, Flags::default(), &[(Parameter::Hr, 190.0)]));
    }
    ward.take(&hr(41.0, 80.0));
    assert_eq!(ward.told(), ["no_live_frames raised@31", "no_live_frames cleared@41"]);
}

#[test]
fn a_daily_back_fill_is_no_complaint() {
    let mut ward = Ward::new(&[]);
    for day in 0..3 {
        for step in 0..20 {
            let received = f64::from(day) * 86_400.0 + f64::from(step) * 0.1;
            ward.take(&frame(received, received - 50_000.0, Flags::HIST, &[(Parameter::Hr, 80.0)]));
        }
    }
    assert!(ward.told().iter().all(|told| told.starts_with("no_data")), "{:?}", ward.told());
}

#[test]
fn a_suspect_clock_is_named_until_a_minute_without() {
    let mut ward = Ward::new(&[]);
    for second in 0..200 {
        let second = f64::from(second);
        let flags = if second == 10.0 || second == 50.0 { LIVE.with(Flags::CLOCK_SUSPECT) } else { LIVE };
        ward.take(&frame(second, second, flags, &[(Parameter::Hr, 80.0)]));
    }
    assert_eq!(ward.told(), ["clock raised@10", "clock cleared@110"]);
}

#[test]
fn simulated_data_is_named_and_never_judged() {
    let mut ward = Ward::new(&[high()]);
    for second in 0..30 {
        let second = f64::from(second);
        ward.take(&frame(second, second, LIVE.with(Flags::SIMULATED), &[(Parameter::Hr, 190.0)]));
    }
    assert_eq!(ward.told(), ["simulated_data raised@0"]);
}

#[test]
fn an_identity_in_use_twice_is_named_until_a_minute_without() {
    let mut ward = Ward::new(&[]);
    for second in [5.0, 6.0, 40.0] {
        ward.flapping(second);
    }
    ward.advance(99.0);
    assert_eq!(ward.told(), ["duplicate_identity raised@5"]);
    ward.advance(101.0);
    assert_eq!(ward.told(), ["duplicate_identity raised@5", "duplicate_identity cleared@100"]);
}

#[test]
fn another_age_class_ends_the_alarms_of_rules_that_are_gone() {
    let profiles = Profiles::shipped().unwrap();
    let mut ward = Ward::new(&[]);
    let swap = |ward: &mut Ward, age, at| {
        ward.watch.swap(profiles.rules(age, DeviceProfile::Bedside).clone(), sec(at), &mut ward.signals);
    };
    swap(&mut ward, AgeClass::Adult, 0.0);
    for second in 0..10 {
        ward.take(&hr(f64::from(second), 130.0));
    }
    assert_eq!(ward.told(), ["hr_high raised(130)@6"]);
    swap(&mut ward, AgeClass::Paediatric, 10.0);
    for second in 10..30 {
        ward.take(&hr(f64::from(second), 130.0));
    }
    assert_eq!(ward.told(), ["hr_high raised(130)@6", "hr_high cleared(130)@10"]);
}

#[test]
fn the_system_speaks_about_itself_once() {
    let mut system = System::default();
    let told: Vec<_> = [(true, 1.0), (true, 2.0), (false, 3.0), (false, 4.0)]
        .into_iter()
        .filter_map(|(present, at)| system.set("database_away", present, sec(at)))
        .collect();
    let told: Vec<_> = told.iter().map(|signal| (signal.what, signal.at, signal.onset_at)).collect();
    assert_eq!(told, [(What::Raised, sec(1.0), sec(1.0)), (What::Cleared, sec(3.0), sec(1.0))]);
    let raised = system.set("database_away", true, sec(9.0)).unwrap();
    assert_eq!((raised.rule.priority, raised.rule.condition), (Priority::High, Condition::System));
    for code in ["disk_space", "certificate_expiry", "clock_stepped"] {
        let raised = system.set(code, true, sec(9.0)).unwrap();
        assert_eq!(raised.rule.priority, Priority::Medium, "{code} leaves time to act");
    }
}
