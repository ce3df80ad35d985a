use proptest::prelude::*;
use vitals::wire::{RawFrame, Time, decode, encode};
use vitals::{Parameter, Reason, Timestamp, Validity, Values};

fn one(json: &str) -> RawFrame {
    let mut frames = Vec::new();
    assert!(!decode(json.as_bytes(), &mut frames).expect(json), "{json} is no array");
    frames.remove(0)
}

#[test]
fn the_frame_of_the_design_is_read() {
    let frame = one(
        r#"{"t":"2026-11-23T10:00:00.250Z","seq":4711,"hr":72,"spo2":97,"rr":14,"nibp_sys":121,"nibp_dia":78,"temp":36.8}"#,
    );
    assert_eq!(frame.t, Time::At(Timestamp::parse("2026-11-23T10:00:00.25Z").unwrap()));
    assert_eq!(frame.seq, Some(4711));
    assert_eq!(frame.values.get(Parameter::Temp), Some(36.8));
    assert_eq!(frame.values.len(), 6);
    assert!(frame.marks.is_empty() && frame.faults.is_empty() && frame.others.is_empty());
}

#[test]
fn times_are_read_in_both_notations_and_cut_to_the_microsecond() {
    let at = |micros| Time::At(Timestamp::from_micros(micros));
    for (t, expected) in [
        (r#""2026-11-23T10:00:00.2500009Z""#, at(1_795_428_000_250_000)),
        (r#""2026-11-23T11:00:00.25+01:00""#, at(1_795_428_000_250_000)),
        ("1795428000250", at(1_795_428_000_250_000)),
        ("-1", at(-1_000)),
        ("null", Time::Absent),
        (r#""yesterday""#, Time::Invalid),
        ("true", Time::Invalid),
        ("[1]", Time::Invalid),
        ("9223372036854775807", Time::Invalid),
    ] {
        assert_eq!(one(&format!(r#"{{"t":{t}}}"#)).t, expected, "{t}");
    }
}

#[test]
fn values_are_refused_one_by_one() {
    for (json, reason) in [
        (r#"{"hr":400,"rr":14}"#, Reason::HardRange),
        (r#"{"hr":"fast","rr":14}"#, Reason::NotANumber),
        (r#"{"hr":{"v":1},"rr":14}"#, Reason::NotANumber),
        (r#"{"hr":1,"rr":14,"unit":{"hr":"kPa"}}"#, Reason::BadUnit),
        (r#"{"rr":14,"seq":9223372036854775808}"#, Reason::BadSeq),
        (r#"{"rr":14,"mood":"good"}"#, Reason::NotANumber),
        (r#"{"rr":14,"q":{"mood":"lead_off"}}"#, Reason::BadKey),
        (r#"{"rr":14,"\u0000":1}"#, Reason::BadKey),
    ] {
        let frame = one(json);
        assert_eq!(frame.faults.iter().map(|fault| fault.reason).collect::<Vec<_>>(), [reason], "{json}");
        assert_eq!(frame.values.get(Parameter::Rr), Some(14.0), "{json}");
        assert_eq!(frame.values.len(), 1, "{json}");
    }
}

#[test]
fn units_convert_wherever_they_stand() {
    assert_eq!(one(r#"{"unit":{"temp":"[degF]"},"temp":98.6}"#).values.get(Parameter::Temp), Some(37.0));
    assert_eq!(one(r#"{"temp":98.6,"unit":{"temp":"[degF]"}}"#).values.get(Parameter::Temp), Some(37.0));
}

#[test]
fn implausible_values_stand_and_are_marked() {
    let frame = one(r#"{"hr":12,"spo2":97,"q":{"spo2":"lead_off","rr":"no such term"}}"#);
    assert_eq!(frame.values.get(Parameter::Hr), Some(12.0));
    assert_eq!(
        frame.marks,
        [
            (Parameter::Hr, Validity::Implausible),
            (Parameter::Spo2, Validity::LeadOff),
            (Parameter::Rr, Validity::Unknown)
        ]
    );
}

#[test]
fn unknown_keys_become_other_readings() {
    let frame = one(r#"{"cvp":8,"unit":{"cvp":"mm[Hg]"},"icp":11.5}"#);
    assert_eq!(frame.others, [("cvp".to_owned(), 8.0, Some("mm[Hg]".to_owned())), ("icp".to_owned(), 11.5, None)]);
}

#[test]
fn what_is_no_frame_is_malformed_and_says_where() {
    for json in ["", "{", "[", "17", "\"hr\"", "[1]", "{\"hr\":1}x", "{\"q\":7}", "\u{feff}{}", "{\"hr\":1e999}"] {
        let error = decode(json.as_bytes(), &mut Vec::new()).expect_err(json);
        assert!(error.0.contains("line"), "{error}");
    }
    for many in [r#""hr":"","#, r#""cvp":8,"#, r#""seq":-1,"#] {
        let json = format!("{{{}\"rr\":14}}", many.repeat(1_000));
        assert!(decode(json.as_bytes(), &mut Vec::new()).is_err(), "a thousand of {many}");
    }
    let error = decode(br#"{"q":"SMITH"}"#, &mut Vec::new()).expect_err("q is no map");
    assert!(!error.0.contains("SMITH"), "an error never quotes the input");
}

proptest! {
    #[test]
    fn no_input_panics(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        drop(decode(&payload, &mut Vec::new()));
    }

    #[test]
    fn no_json_panics(payload in "[\\[{]{0,3}(\"(t|seq|hr|q|unit|x)\":(-?[0-9]{1,22}|\"[a-z]*\"|null|\\{\\}|true),?){0,5}[}\\]]{0,3}") {
        drop(decode(payload.as_bytes(), &mut Vec::new()));
    }

    #[test]
    fn what_is_printed_is_read_back(hr in 20.0f32..300.0, temp in 26.0f32..45.0, seq in 0i64.., micros in 0i64..4_000_000_000_000_000) {
        let mut values = Values::default();
        values.set(Parameter::Hr, hr);
        values.set(Parameter::Temp, temp);
        let marks = vec![(Parameter::Spo2, Validity::LeadOff)];
        let frame = one(&encode(Some(Timestamp::from_micros(micros)), Some(seq), true, &values, &marks));
        prop_assert_eq!(frame.t, Time::At(Timestamp::from_micros(micros)));
        prop_assert_eq!(frame.seq, Some(seq));
        prop_assert_eq!(frame.values, values);
        prop_assert_eq!(frame.marks, marks);
        prop_assert!(frame.hist);
    }
}
