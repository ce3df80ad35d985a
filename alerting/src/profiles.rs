//! The limits a device is judged by until somebody sets others: TOML beside this crate, one file an age class.

use std::sync::Arc;

use serde::Deserialize;
use vitals::{AgeClass, Bound, Condition, Device, DeviceProfile, Parameter, Priority, RuleVersion};

use crate::engine::Rules;

/// A limit that must be violated for longer than this would be a trend, not an alarm.
const MAX_ONSET_MS: i64 = 60_000;

/// Limits in one profile; the engine indexes them by a byte.
const MAX_LIMITS: usize = 200;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{profile} profile: {why}")]
pub struct InvalidProfile {
    pub profile: String,
    pub why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    limits: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    code: String,
    parameter: Parameter,
    above: Option<f32>,
    below: Option<f32>,
    onset_ms: i64,
    dead_band: f32,
    priority: Priority,
}

/// Reads and checks one profile. `name` is what an error calls it.
pub fn parse(name: &str, text: &str) -> Result<Vec<Arc<RuleVersion>>, InvalidProfile> {
    let invalid = |why: String| InvalidProfile { profile: name.to_owned(), why };
    let file: File = toml::from_str(text).map_err(|error| invalid(error.to_string()))?;
    if file.limits.len() > MAX_LIMITS {
        return Err(invalid(format!("more than {MAX_LIMITS} limits")));
    }
    let mut rules: Vec<Arc<RuleVersion>> = Vec::with_capacity(file.limits.len());
    for entry in file.limits {
        if rules.iter().any(|rule| rule.code == entry.code) {
            return Err(invalid(format!("{} stands twice", entry.code)));
        }
        let condition = entry.condition().map_err(|why| invalid(format!("{}: {why}", entry.code)))?;
        rules.push(Arc::new(RuleVersion::new(&entry.code, entry.priority, condition)));
    }
    Ok(rules)
}

impl Entry {
    fn condition(&self) -> Result<Condition, &'static str> {
        let (bound, limit) = match (self.above, self.below) {
            (Some(limit), None) => (Bound::Upper, limit),
            (None, Some(limit)) => (Bound::Lower, limit),
            _ => return Err("one of above and below"),
        };
        let (low, high) = self.parameter.plausible();
        if !(low..=high).contains(&limit) {
            return Err("the limit is outside the plausible range, where nothing is judged");
        }
        if !(0.0..=(high - low) / 2.0).contains(&self.dead_band) {
            return Err("the dead-band is negative or wider than half the plausible range");
        }
        if !(0..=MAX_ONSET_MS).contains(&self.onset_ms) {
            return Err("the onset delay is not between 0 and 60,000 ms");
        }
        let Self { parameter, onset_ms, dead_band, .. } = *self;
        Ok(Condition::Limit { parameter, bound, limit, onset_ms, dead_band })
    }
}

/// The rules of every kind of device, compiled once and shared.
#[derive(Clone, Debug)]
pub struct Profiles([Arc<Rules>; 6]);

impl Profiles {
    /// The profiles that ship with Vigil.
    pub fn shipped() -> Result<Self, InvalidProfile> {
        let adult = parse("adult", include_str!("../profiles/adult.toml"))?;
        let paediatric = parse("paediatric", include_str!("../profiles/paediatric.toml"))?;
        let neonatal = parse("neonatal", include_str!("../profiles/neonatal.toml"))?;
        let rules = |rules: &[Arc<RuleVersion>], profile| Arc::new(Rules::new(rules, profile));
        let (bedside, home) = (DeviceProfile::Bedside, DeviceProfile::Home);
        Ok(Self([
            rules(&adult, bedside),
            rules(&paediatric, bedside),
            rules(&neonatal, bedside),
            rules(&adult, home),
            rules(&paediatric, home),
            rules(&neonatal, home),
        ]))
    }

    pub fn rules(&self, age_class: AgeClass, profile: DeviceProfile) -> &Arc<Rules> {
        let age = match age_class {
            AgeClass::Adult => 0,
            AgeClass::Paediatric => 1,
            AgeClass::Neonatal => 2,
        };
        let place = match profile {
            DeviceProfile::Bedside => 0,
            DeviceProfile::Home => 3,
        };
        &self.0[age + place]
    }

    /// A device that the roster does not know yet is judged as an adult's at the bedside rather than not at all.
    pub fn of(&self, device: Option<&Arc<Device>>) -> &Arc<Rules> {
        device.map_or(&self.0[0], |device| self.rules(device.age_class, device.profile))
    }
}
