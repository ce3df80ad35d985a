use vitals::{Parameter, Values};

use super::{State, follow, set};
use crate::random::{Random, Wander};

/// Between two measurements with the cuff, in the patient's time: a usual ward setting.
const CUFF_EVERY_S: f32 = 300.0;

/// mmHg that remain in arteries without a beat.
const STANDSTILL: f32 = 12.0;

#[derive(Debug)]
pub(super) struct Pressure {
    rest_map: f32,
    rest_pulse: f32,
    map: f32,
    pulse: f32,
    shown_map: f32,
    wander: Wander,
    /// Measured beat by beat; otherwise the cuff measures now and then.
    arterial_line: bool,
    to_next_cuff_s: f32,
    cuff_due: bool,
}

impl Pressure {
    pub(super) fn new(random: &mut Random, arterial_line: bool) -> Self {
        let rest_map = random.between(84.0, 98.0);
        let rest_pulse = random.between(38.0, 48.0);
        Self {
            rest_map,
            rest_pulse,
            map: rest_map,
            pulse: rest_pulse,
            shown_map: rest_map,
            wander: Wander::new(2.0, 40.0),
            arterial_line,
            to_next_cuff_s: random.between(5.0, 30.0),
            cuff_due: false,
        }
    }

    pub(super) fn step(&mut self, dt_s: f32, state: &State, random: &mut Random) {
        let (map, pulse) = if state.arrest {
            (STANDSTILL, 2.0)
        } else {
            let tone = self.rest_map * state.perfusion + 8.0 * state.air_hunger.min(1.0);
            (tone, self.rest_pulse * (0.4 + 0.6 * state.perfusion))
        };
        self.map = follow(self.map, map, dt_s, 8.0);
        self.pulse = follow(self.pulse, pulse, dt_s, 8.0);
        self.shown_map = self.map + self.wander.step(dt_s, random) * state.perfusion;
        self.to_next_cuff_s -= dt_s;
        self.cuff_due = self.to_next_cuff_s <= 0.0;
        if self.cuff_due {
            self.to_next_cuff_s = CUFF_EVERY_S;
        }
    }

    pub(super) fn measure(&self, values: &mut Values) {
        let [sys, dia, map] = if self.arterial_line {
            [Parameter::AbpSys, Parameter::AbpDia, Parameter::AbpMap]
        } else if self.cuff_due && self.map > 30.0 {
            // Below that a cuff finds no oscillation to measure.
            [Parameter::NibpSys, Parameter::NibpDia, Parameter::NibpMap]
        } else {
            return;
        };
        // The mean lies a third of the pulse pressure above the diastole.
        set(values, sys, self.shown_map + self.pulse * 2.0 / 3.0);
        set(values, dia, self.shown_map - self.pulse / 3.0);
        set(values, map, self.shown_map);
    }
}
