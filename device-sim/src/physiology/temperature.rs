use super::follow;
use crate::random::{Random, Wander};

#[derive(Debug)]
pub(super) struct Temperature {
    rest: f32,
    core: f32,
    shown: f32,
    wander: Wander,
}

impl Temperature {
    pub(super) fn new(random: &mut Random) -> Self {
        let rest = random.between(36.5, 37.2);
        Self { rest, core: rest, shown: rest, wander: Wander::new(0.04, 120.0) }
    }

    /// Returns the fever in degrees. A body warms over a quarter of an hour, not at once.
    pub(super) fn step(&mut self, dt_s: f32, infection: f32, random: &mut Random) -> f32 {
        self.core = follow(self.core, self.rest + 2.6 * infection, dt_s, 900.0);
        self.shown = self.core + self.wander.step(dt_s, random);
        self.core - self.rest
    }

    pub(super) fn celsius(&self) -> f32 {
        self.shown
    }
}
