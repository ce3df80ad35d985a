use super::{State, follow};
use crate::random::{Random, Wander};

#[derive(Debug)]
pub(super) struct Respiration {
    rest_per_min: f32,
    rate: f32,
    wander: Wander,
    rest_etco2: f32,
    etco2: f32,
    etco2_wander: Wander,
    shown_etco2: f32,
}

impl Respiration {
    pub(super) fn new(random: &mut Random) -> Self {
        let (rest_per_min, rest_etco2) = (random.between(13.0, 17.0), random.between(35.0, 41.0));
        Self {
            rest_per_min,
            rate: rest_per_min,
            wander: Wander::new(0.8, 20.0),
            rest_etco2,
            etco2: rest_etco2,
            etco2_wander: Wander::new(0.8, 20.0),
            shown_etco2: rest_etco2,
        }
    }

    /// Breaths a minute.
    pub(super) fn step(&mut self, dt_s: f32, state: &State, random: &mut Random) -> f32 {
        let driven = self.rest_per_min + 10.0 * state.air_hunger + 10.0 * state.infection + 2.0 * state.fever;
        let (target, tau_s) = if state.arrest { (-1.0, 12.0) } else { (driven.min(45.0), 10.0) };
        self.rate = follow(self.rate, target, dt_s, tau_s);
        // Deeper and faster breath washes carbon dioxide out; without circulation none arrives in the lung.
        let washed_out = (self.rate - self.rest_per_min).max(0.0) * 0.6;
        let etco2 = if state.arrest { 6.0 } else { (self.rest_etco2 - washed_out) * (0.3 + 0.7 * state.perfusion) };
        self.etco2 = follow(self.etco2, etco2, dt_s, 15.0);
        self.shown_etco2 = self.etco2 + self.etco2_wander.step(dt_s, random);
        let wander = self.wander.step(dt_s, random);
        if self.rate < 1.5 { 0.0 } else { self.rate + wander.max(1.5 - self.rate) }
    }

    /// mmHg at the end of a breath.
    pub(super) fn end_tidal(&self) -> f32 {
        self.shown_etco2
    }
}
