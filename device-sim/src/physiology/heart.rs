use super::{State, follow};
use crate::random::{Random, Wander};

#[derive(Debug)]
pub(super) struct Heart {
    rest_per_min: f32,
    rate: f32,
    wander: Wander,
}

impl Heart {
    pub(super) fn new(random: &mut Random) -> Self {
        let rest_per_min = random.between(66.0, 84.0);
        Self { rest_per_min, rate: rest_per_min, wander: Wander::new(2.0, 25.0) }
    }

    /// Beats a minute.
    pub(super) fn step(&mut self, dt_s: f32, state: &State, random: &mut Random) -> f32 {
        // About 10 beats a degree of fever (Liebermeister's rule); the rest is the answer to too little oxygen.
        let driven = self.rest_per_min + 50.0 * state.air_hunger + 30.0 * state.infection + 10.0 * state.fever;
        // A heart that stops slows first: half a minute from rest to standstill.
        let (target, tau_s) = if state.arrest { (-6.0, 12.0) } else { (driven.min(185.0), 8.0) };
        self.rate = follow(self.rate, target, dt_s, tau_s);
        let wander = self.wander.step(dt_s, random);
        if self.rate < 15.0 { 0.0 } else { self.rate + wander }
    }
}
