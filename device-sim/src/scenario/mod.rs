//! What may happen to a patient or to a device, as functions of the seconds since it began.

mod arrest;
mod clock_wrong;
mod desaturation;
mod lead_off;
mod network_loss;
mod sepsis;

use std::str::FromStr;

use crate::physiology::Strain;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    Sepsis,
    Desaturation,
    Arrest,
    LeadOff,
    NetworkLoss,
    ClockWrong,
    ClockWrongSlow,
    ClockWrong2036,
}

impl Scenario {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "sepsis" => Self::Sepsis,
            "desaturation" => Self::Desaturation,
            "arrest" => Self::Arrest,
            "lead_off" => Self::LeadOff,
            "network_loss" => Self::NetworkLoss,
            "clock_wrong" => Self::ClockWrong,
            "clock_wrong_slow" => Self::ClockWrongSlow,
            "clock_wrong_2036" => Self::ClockWrong2036,
            _ => return None,
        })
    }
}

/// One scenario, whom it meets and when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Act {
    pub(crate) scenario: Scenario,
    /// None: everybody.
    pub(crate) device: Option<usize>,
    /// Seconds after the simulator's start, in real time.
    pub(crate) start_s: f64,
    /// Seconds from one start to the next; None: once.
    pub(crate) every_s: Option<f64>,
}

impl Act {
    /// Adds its part, `now_s` after the simulator's start. Illness runs in the patient's time, equipment in ours.
    pub(crate) fn strain(&self, now_s: f64, step_s: f64, speed: f64, strain: &mut Strain) {
        let since_first = now_s - self.start_s;
        if since_first < 0.0 {
            return;
        }
        let elapsed = self.every_s.map_or(since_first, |every| since_first % every);
        let (real_s, patient_s) = (elapsed as f32, (elapsed * speed) as f32);
        match self.scenario {
            Scenario::Sepsis => sepsis::strain(patient_s, strain),
            Scenario::Desaturation => desaturation::strain(patient_s, strain),
            Scenario::Arrest => arrest::strain(patient_s, strain),
            Scenario::LeadOff => lead_off::strain(real_s, strain),
            Scenario::NetworkLoss => network_loss::strain(real_s, strain),
            Scenario::ClockWrong => clock_wrong::fast(real_s, strain),
            Scenario::ClockWrongSlow => clock_wrong::slow(real_s, strain),
            Scenario::ClockWrong2036 => clock_wrong::from_2036(elapsed < step_s, strain),
        }
    }
}

impl FromStr for Act {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (rest, when) = text.split_once('@').unwrap_or((text, "0"));
        let (start, every) = when.split_once('/').map_or((when, None), |(start, every)| (start, Some(every)));
        let (name, device) = match rest.split_once(':') {
            Some((name, device)) => {
                (name, Some(device.parse().map_err(|_| "the device index is no number".to_owned())?))
            }
            None => (rest, None),
        };
        Ok(Self {
            scenario: Scenario::from_name(name).ok_or("no scenario of that name")?,
            device,
            start_s: seconds(start).ok_or("the start is no number of seconds")?,
            every_s: every
                .map(|every| seconds(every).filter(|every| *every > 0.0).ok_or("no time from one start to the next"))
                .transpose()?,
        })
    }
}

fn seconds(text: &str) -> Option<f64> {
    text.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}

#[cfg(test)]
mod tests {
    use vitals::Parameter;

    use super::*;
    use crate::physiology::Patient;

    /// The values of one parameter at these seconds of a scenario that starts after a minute, at 1 Hz.
    fn course(scenario: Scenario, device: usize, parameter: Parameter, seconds: &[usize]) -> Vec<Option<f32>> {
        let act = Act { scenario, device: None, start_s: 60.0, every_s: None };
        let mut patient = Patient::new(1, device);
        let values: Vec<_> = (0..=60 + seconds.iter().max().expect("one at least"))
            .map(|second| {
                let mut strain = Strain::default();
                act.strain(second as f64, 1.0, 1.0, &mut strain);
                patient.step(1.0, &strain).0.get(parameter)
            })
            .collect();
        seconds.iter().map(|second| values[60 + second]).collect()
    }

    #[test]
    fn scenarios_move_the_numbers_they_should() {
        use Parameter::{AbpSys, Etco2, Hr, Rr, Spo2, Temp};
        use Scenario::{Arrest, Desaturation, LeadOff, Sepsis};
        for (scenario, parameter, second, low, high) in [
            (Desaturation, Spo2, 0, 94.0, 100.0),
            (Desaturation, Spo2, 40, 75.0, 81.0),
            (Desaturation, Hr, 45, 105.0, 150.0),
            (Desaturation, Rr, 45, 20.0, 32.0),
            (Desaturation, Spo2, 150, 94.0, 100.0),
            (Desaturation, Hr, 200, 55.0, 95.0),
            (Sepsis, Hr, 60, 60.0, 100.0),
            (Sepsis, Hr, 900, 115.0, 165.0),
            (Sepsis, Temp, 1_500, 38.3, 40.5),
            (Sepsis, AbpSys, 900, 60.0, 90.0),
            (Sepsis, Rr, 900, 24.0, 40.0),
            (Arrest, Hr, 10, 20.0, 50.0),
            (Arrest, Hr, 40, 0.0, 0.0),
            (Arrest, Rr, 60, 0.0, 0.0),
            (Arrest, Etco2, 60, 3.0, 15.0),
            (Arrest, AbpSys, 60, 5.0, 30.0),
            (LeadOff, Spo2, 10, 94.0, 100.0),
            (LeadOff, Hr, 40, 55.0, 95.0),
        ] {
            let device = if parameter == Etco2 { 2 } else { 1 };
            let value = course(scenario, device, parameter, &[second])[0].expect("measured");
            assert!((low..=high).contains(&value), "{scenario:?} {parameter} after {second} s is {value}");
        }
    }

    #[test]
    fn a_lost_lead_or_pulse_takes_its_number_away() {
        assert_eq!(course(Scenario::LeadOff, 1, Parameter::Hr, &[0, 29]), [None, None]);
        assert_eq!(course(Scenario::Arrest, 1, Parameter::Spo2, &[60]), [None]);
    }

    #[test]
    fn equipment_fails_for_its_time_and_no_longer() {
        let strain = |name: &str, now_s| {
            let mut strain = Strain::default();
            name.parse::<Act>().expect(name).strain(now_s, 1.0, 1.0, &mut strain);
            strain
        };
        for (name, now_s, unplugged, clock_ms, from_2036) in [
            ("network_loss@10", 9.0, false, 0, false),
            ("network_loss@10", 10.0, true, 0, false),
            ("network_loss@10", 29.0, true, 0, false),
            ("network_loss@10", 30.0, false, 0, false),
            ("network_loss@10/100", 110.0, true, 0, false),
            ("network_loss@10/100", 130.0, false, 0, false),
            ("clock_wrong@5", 4.0, false, 0, false),
            ("clock_wrong@5", 6.0, false, 90_000, false),
            ("clock_wrong_slow", 6.0, false, -3_600_000, false),
            ("clock_wrong_slow", 61.0, false, 0, false),
            ("clock_wrong_2036@5", 5.0, false, 0, true),
            ("clock_wrong_2036@5", 6.0, false, 0, false),
        ] {
            let expected = Strain { unplugged, clock_ms, from_2036, ..Strain::default() };
            assert_eq!(strain(name, now_s), expected, "{name} {now_s}");
        }
    }

    #[test]
    fn an_act_names_scenario_device_and_start() {
        let act = |scenario, device, start_s, every_s| Ok(Act { scenario, device, start_s, every_s });
        assert_eq!("arrest".parse(), act(Scenario::Arrest, None, 0.0, None));
        assert_eq!("lead_off:3".parse(), act(Scenario::LeadOff, Some(3), 0.0, None));
        assert_eq!("sepsis:0@12.5".parse(), act(Scenario::Sepsis, Some(0), 12.5, None));
        assert_eq!("desaturation@20/240".parse(), act(Scenario::Desaturation, None, 20.0, Some(240.0)));
        for wrong in ["", "flu", "arrest:x", "arrest@", "arrest@-1", "arrest@inf", "arrest@1/0", "arrest@1/"] {
            assert!(wrong.parse::<Act>().is_err(), "{wrong}");
        }
    }
}
