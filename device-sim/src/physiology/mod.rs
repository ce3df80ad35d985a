//! A patient whose numbers move together, because one hidden state drives them all.

mod heart;
mod oxygen;
mod pressure;
mod respiration;
mod temperature;

use vitals::{Mark, Parameter, Validity, Values};

use crate::random::Random;
use heart::Heart;
use oxygen::Oxygen;
use pressure::Pressure;
use respiration::Respiration;
use temperature::Temperature;

/// What a scenario does to a patient and to the equipment. 0 is nothing, 1 is all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Strain {
    /// Oxygen that does not reach the blood.
    pub(crate) hypoxia: f32,
    pub(crate) infection: f32,
    pub(crate) arrest: bool,
    pub(crate) lead_off: bool,
    /// The network cable is out.
    pub(crate) unplugged: bool,
    /// How far the device's clock is ahead.
    pub(crate) clock_ms: i64,
    /// This one frame says it is from 2036.
    pub(crate) from_2036: bool,
}

/// The hidden state: what the organs feel.
#[derive(Clone, Copy, Debug)]
struct State {
    /// 0 well, 1 a saturation 20 points under the patient's own.
    air_hunger: f32,
    /// Degrees above the patient's own temperature.
    fever: f32,
    infection: f32,
    /// How well blood reaches the tissue: 1 well, 0 not at all.
    perfusion: f32,
    arrest: bool,
}

#[derive(Debug)]
pub(crate) struct Patient {
    random: Random,
    oxygen: Oxygen,
    temperature: Temperature,
    heart: Heart,
    respiration: Respiration,
    pressure: Pressure,
    /// A ventilated patient has a capnograph.
    capnograph: bool,
    state: State,
}

impl Patient {
    /// Patient `index` of the ward with this seed: every fourth has an arterial line, every fourth a capnograph.
    pub(crate) fn new(seed: u64, index: usize) -> Self {
        let mut random = Random::new(seed, index as u64);
        Self {
            oxygen: Oxygen::new(&mut random),
            temperature: Temperature::new(&mut random),
            heart: Heart::new(&mut random),
            respiration: Respiration::new(&mut random),
            pressure: Pressure::new(&mut random, index % 4 == 1),
            capnograph: index % 4 == 2,
            state: State { air_hunger: 0.0, fever: 0.0, infection: 0.0, perfusion: 1.0, arrest: false },
            random,
        }
    }

    /// Lives for `dt_s` seconds under this strain, and is measured at the end of them.
    pub(crate) fn step(&mut self, dt_s: f32, strain: &Strain) -> (Values, Vec<Mark>) {
        let random = &mut self.random;
        self.state.arrest = strain.arrest;
        self.state.infection = strain.infection;
        self.state.fever = self.temperature.step(dt_s, strain.infection, random);
        let perfused = if strain.arrest { 0.0 } else { 1.0 - 0.35 * strain.infection };
        self.state.perfusion = follow(self.state.perfusion, perfused, dt_s, 10.0);
        self.state.air_hunger = self.oxygen.step(dt_s, strain.hypoxia, &self.state, random);
        let hr = self.heart.step(dt_s, &self.state, random);
        let rr = self.respiration.step(dt_s, &self.state, random);
        self.pressure.step(dt_s, &self.state, random);

        let mut values = Values::default();
        let mut marks = Vec::new();
        if strain.lead_off {
            // Impedance respiration is measured through the same electrodes.
            marks.extend([(Parameter::Hr, Validity::LeadOff), (Parameter::Rr, Validity::LeadOff)]);
        } else {
            set(&mut values, Parameter::Hr, hr);
            set(&mut values, Parameter::Rr, rr);
        }
        self.oxygen.measure(&self.state, &mut values, &mut marks);
        if values.get(Parameter::Spo2).is_some() {
            set(&mut values, Parameter::PrSpo2, hr);
        }
        self.pressure.measure(&mut values);
        set(&mut values, Parameter::Temp, self.temperature.celsius());
        if self.capnograph {
            set(&mut values, Parameter::Etco2, self.respiration.end_tidal());
        }
        marks.sort_unstable_by_key(|(parameter, _)| *parameter);
        (values, marks)
    }
}

/// First-order lag towards `target`, exact for any step.
fn follow(from: f32, target: f32, dt_s: f32, tau_s: f32) -> f32 {
    target + (from - target) * (-dt_s / tau_s).exp()
}

/// Rounded as a monitor shows it, and never outside what the parameter can be at all.
fn set(values: &mut Values, parameter: Parameter, value: f32) {
    let (low, high) = parameter.hard();
    let scale = 10_f32.powi(i32::from(parameter.decimals()));
    values.set(parameter, ((value * scale).round() / scale).clamp(low, high));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(patient: &mut Patient, seconds: usize, strain: &Strain) -> Values {
        (0..seconds).map(|_| patient.step(1.0, strain).0).last().expect("at least a second")
    }

    #[test]
    fn a_patient_at_rest_stays_within_adult_limits() {
        for index in 0..16 {
            let mut patient = Patient::new(7, index);
            let mut alarming = 0;
            for second in 0..3_600 {
                let (values, marks) = patient.step(1.0, &Strain::default());
                assert!(marks.is_empty());
                for (parameter, low, high) in [
                    (Parameter::Hr, 50.0, 120.0),
                    (Parameter::Spo2, 90.0, 100.0),
                    (Parameter::Rr, 8.0, 30.0),
                    (Parameter::NibpSys, 90.0, 160.0),
                    (Parameter::AbpSys, 90.0, 160.0),
                    (Parameter::Temp, 36.0, 39.0),
                    (Parameter::Etco2, 25.0, 50.0),
                ] {
                    if let Some(value) = values.get(parameter) {
                        let (plausible_low, plausible_high) = parameter.plausible();
                        assert!((plausible_low..=plausible_high).contains(&value), "{parameter} {value} at {second}");
                        alarming += usize::from(!(low..=high).contains(&value));
                    }
                }
            }
            assert_eq!(alarming, 0, "patient {index} would have called a nurse");
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_patient_and_another_seed_another() {
        let stream = |seed, index| {
            let mut patient = Patient::new(seed, index);
            (0..200).map(|_| patient.step(0.5, &Strain::default())).collect::<Vec<_>>()
        };
        assert_eq!(stream(3, 1), stream(3, 1));
        assert_ne!(stream(3, 1), stream(4, 1));
        assert_ne!(stream(3, 1), stream(3, 2));
    }

    #[test]
    fn pressures_are_ordered_and_nibp_comes_only_now_and_then() {
        for (index, keys) in [
            (0, [Parameter::NibpSys, Parameter::NibpMap, Parameter::NibpDia]),
            (1, [Parameter::AbpSys, Parameter::AbpMap, Parameter::AbpDia]),
        ] {
            let mut patient = Patient::new(1, index);
            let mut measured = 0;
            for _ in 0..1_500 {
                let values = patient.step(1.0, &Strain::default()).0;
                if let [Some(sys), Some(map), Some(dia)] = keys.map(|key| values.get(key)) {
                    assert!(sys > map && map > dia, "{sys} {map} {dia}");
                    measured += 1;
                }
            }
            assert_eq!(measured, if index == 0 { 5 } else { 1_500 });
        }
    }

    #[test]
    fn a_lost_lead_leaves_a_mark_where_the_number_was() {
        let (values, marks) = Patient::new(1, 0).step(1.0, &Strain { lead_off: true, ..Strain::default() });
        assert_eq!(marks, [(Parameter::Hr, Validity::LeadOff), (Parameter::Rr, Validity::LeadOff)]);
        assert_eq!((values.get(Parameter::Hr), values.get(Parameter::Rr)), (None, None));
        assert!(values.get(Parameter::PrSpo2).is_some());
    }

    #[test]
    fn every_frame_decodes_as_it_was_made() {
        let mut patient = Patient::new(5, 1);
        for (strain, second) in [Strain::default(), Strain { arrest: true, lead_off: true, ..Strain::default() }]
            .iter()
            .flat_map(|strain| (0..120).map(move |second| (strain, second)))
        {
            let (values, marks) = patient.step(1.0, strain);
            let at = vitals::Timestamp::from_millis(1_700_000_000_000 + second * 1_000);
            let json = vitals::wire::encode(Some(at), Some(second), false, &values, &marks);
            let mut frames = Vec::new();
            vitals::wire::decode(json.as_bytes(), &mut frames).expect("a frame");
            assert_eq!(frames[0].values, values, "{json}");
            assert!(frames[0].faults.is_empty(), "{json}");
            assert!(marks.iter().all(|mark| frames[0].marks.contains(mark)), "{json}");
        }
    }

    #[test]
    fn organs_answer_each_other() {
        let mut patient = Patient::new(9, 1);
        let well = live(&mut patient, 60, &Strain::default());
        let ill = live(&mut patient, 3_600, &Strain { infection: 1.0, ..Strain::default() });
        for (parameter, rises) in [
            (Parameter::Hr, true),
            (Parameter::Rr, true),
            (Parameter::Temp, true),
            (Parameter::AbpMap, false),
            (Parameter::Spo2, false),
            (Parameter::Pi, false),
        ] {
            let (before, after) = (well.get(parameter).expect("measured"), ill.get(parameter).expect("measured"));
            assert_eq!(after > before, rises, "{parameter} went from {before} to {after}");
        }
    }
}
