use alerting::profiles::{Profiles, parse};
use vitals::{AgeClass, Bound, Condition, DeviceProfile, Parameter, Priority};

fn entry(rest: &str) -> String {
    format!(
        "limits = [{{ code = \"x\", parameter = \"hr\", onset_ms = 0, dead_band = 1, priority = \"low\", {rest} }}]"
    )
}

#[test]
fn every_shipped_profile_has_the_same_codes_and_ordered_limits() {
    let profiles = Profiles::shipped().unwrap();
    let ages = [AgeClass::Adult, AgeClass::Paediatric, AgeClass::Neonatal];
    for age in ages {
        let rules: Vec<_> = profiles.rules(age, DeviceProfile::Bedside).all().cloned().collect();
        assert!(rules.len() >= 27, "{age:?} has {} rules", rules.len());
        let limit = |code: &str| match rules.iter().find(|rule| rule.code == code).map(|rule| rule.condition) {
            Some(Condition::Limit { limit, .. }) => limit,
            other => panic!("{age:?} {code}: {other:?}"),
        };
        assert!(limit("hr_extreme_low") < limit("hr_low") && limit("hr_high") < limit("hr_extreme_high"));
        assert!(limit("spo2_desat") < limit("spo2_low"));
        for parameter in
            ["hr", "rr", "nibp_sys", "nibp_dia", "nibp_map", "abp_sys", "abp_dia", "abp_map", "temp", "etco2"]
        {
            assert!(limit(&format!("{parameter}_low")) < limit(&format!("{parameter}_high")), "{age:?} {parameter}");
        }
    }
}

#[test]
fn an_age_class_has_rule_versions_of_its_own() {
    let profiles = Profiles::shipped().unwrap();
    let adult = profiles.rules(AgeClass::Adult, DeviceProfile::Bedside);
    let child = profiles.rules(AgeClass::Paediatric, DeviceProfile::Bedside);
    let high = adult.all().find(|rule| rule.code == "hr_high").unwrap();
    assert!(child.find(high.id).is_none());
    assert_eq!(high.priority, Priority::Medium);
    let condition = Condition::Limit {
        parameter: Parameter::Hr,
        bound: Bound::Upper,
        limit: 120.0,
        onset_ms: 6_000,
        dead_band: 3.0,
    };
    assert_eq!(high.condition, condition);
}

#[test]
fn a_wrong_profile_is_refused_and_says_where() {
    for (rest, why) in [
        ("above = 120, below = 50", "x: one of above and below"),
        ("dead = 1", "unknown field"),
        ("above = 400", "x: the limit is outside the plausible range"),
    ] {
        let error = parse("ward", &entry(rest)).unwrap_err().to_string();
        assert!(error.starts_with("ward profile: ") && error.contains(why), "{error}");
    }
    for (from, to, why) in
        [("onset_ms = 0", "onset_ms = 90000", "onset delay"), ("dead_band = 1", "dead_band = -1", "dead-band")]
    {
        let error = parse("ward", &entry("above = 120").replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
    let twice = entry("above = 120").replace(
        "}]",
        "}, { code = \"x\", parameter = \"rr\", above = 30, onset_ms = 0, dead_band = 0, priority = \"low\" }]",
    );
    assert!(parse("ward", &twice).unwrap_err().to_string().contains("x stands twice"));
}
