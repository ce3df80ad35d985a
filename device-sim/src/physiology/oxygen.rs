use vitals::{Mark, Parameter, Validity, Values};

use super::{State, follow, set};
use crate::random::{Random, Wander};

/// Saturation points lost at full hypoxia.
const DEPTH: f32 = 20.0;

#[derive(Debug)]
pub(super) struct Oxygen {
    rest_pct: f32,
    saturation_pct: f32,
    shown_pct: f32,
    rest_perfusion_index: f32,
    wander: Wander,
}

impl Oxygen {
    pub(super) fn new(random: &mut Random) -> Self {
        let rest_pct = random.between(96.5, 98.5);
        Self {
            rest_pct,
            saturation_pct: rest_pct,
            shown_pct: rest_pct,
            rest_perfusion_index: random.between(1.5, 5.0),
            wander: Wander::new(0.5, 15.0),
        }
    }

    /// Returns the air hunger: 1 at 20 points under the patient's own saturation.
    pub(super) fn step(&mut self, dt_s: f32, hypoxia: f32, state: &State, random: &mut Random) -> f32 {
        let lost = DEPTH * hypoxia + 3.0 * state.infection + if state.arrest { 35.0 } else { 0.0 };
        // 12 s: stores of the lung and the averaging of an oximeter together; without breath or beat it goes slower.
        let tau_s = if state.arrest { 60.0 } else { 12.0 };
        self.saturation_pct = follow(self.saturation_pct, self.rest_pct - lost, dt_s, tau_s);
        self.shown_pct = (self.saturation_pct + self.wander.step(dt_s, random)).min(100.0);
        ((self.rest_pct - self.saturation_pct) / DEPTH).clamp(0.0, 2.0)
    }

    /// An oximeter without a pulse has no reading.
    pub(super) fn measure(&self, state: &State, values: &mut Values, marks: &mut Vec<Mark>) {
        if state.perfusion < 0.1 {
            marks.extend([(Parameter::Spo2, Validity::NotAvailable), (Parameter::PrSpo2, Validity::NotAvailable)]);
            return;
        }
        set(values, Parameter::Spo2, self.shown_pct);
        set(values, Parameter::Pi, self.rest_perfusion_index * state.perfusion * state.perfusion);
    }
}
