use crate::{DeviceKey, Parameter, Timestamp, Validity};

/// One value a parameter, some absent. Values are f32 before anything judges them, as they are stored.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    present: u16,
    values: [f32; Parameter::COUNT],
}

const _: () = assert!(Parameter::COUNT <= 16, "`present` has a bit for each parameter");

impl Default for Values {
    fn default() -> Self {
        Self { present: 0, values: [0.0; Parameter::COUNT] }
    }
}

impl Values {
    pub fn get(&self, parameter: Parameter) -> Option<f32> {
        (self.present & (1 << parameter.index()) != 0).then(|| self.values[parameter.index()])
    }

    pub fn set(&mut self, parameter: Parameter, value: f32) {
        self.present |= 1 << parameter.index();
        self.values[parameter.index()] = value;
    }

    pub fn is_empty(&self) -> bool {
        self.present == 0
    }

    pub fn len(&self) -> usize {
        self.present.count_ones() as usize
    }

    pub fn iter(&self) -> impl Iterator<Item = (Parameter, f32)> + '_ {
        Parameter::ALL.iter().filter_map(|&parameter| self.get(parameter).map(|value| (parameter, value)))
    }
}

/// A mark on one parameter of a frame. It may stand without a value (`lead_off`).
pub type Mark = (Parameter, Validity);

/// What is known about a frame as a whole; the column `flags`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub i32);

impl Flags {
    /// Arrived within the live window of its device's profile.
    pub const LIVE: Self = Self(1);
    /// Was handed to the alarm engine. Replay feeds the engine every row and it judges those with this flag.
    pub const JUDGED: Self = Self(1 << 1);
    /// Came without `t`: `at` is the receive time, and a redelivery cannot be recognised.
    pub const NO_TIME: Self = Self(1 << 2);
    /// The device's clock stepped, or runs ahead of ours.
    pub const CLOCK_SUSPECT: Self = Self(1 << 3);
    /// At least one value is outside its plausible range.
    pub const VALUE_FLAGGED: Self = Self(1 << 4);
    /// A live device said that this is test or demo data: kept out of charts.
    pub const SIMULATED: Self = Self(1 << 5);
    /// The device said that this is back-fill.
    pub const HIST: Self = Self(1 << 6);

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// What one device measured at one moment: a row of `vitals`.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub device: DeviceKey,
    /// Event time by the device's own clock.
    pub at: Timestamp,
    /// Receive time by ours; rises strictly on a node.
    pub received_at: Timestamp,
    pub seq: Option<i64>,
    pub flags: Flags,
    pub values: Values,
    /// Sorted by parameter, one each. Usually empty, which costs no allocation.
    pub marks: Vec<Mark>,
}

impl Frame {
    pub fn mark(&self, parameter: Parameter) -> Option<Validity> {
        self.marks.iter().find(|(marked, _)| *marked == parameter).map(|(_, validity)| *validity)
    }

    /// The value, where a limit may be judged on it.
    pub fn judgeable(&self, parameter: Parameter) -> Option<f32> {
        let value = self.values.get(parameter)?;
        self.mark(parameter).is_none_or(Validity::judged).then_some(value)
    }
}

/// A reading outside the closed list of parameters: a row of `readings_other`.
#[derive(Clone, Debug, PartialEq)]
pub struct OtherReading {
    pub device: DeviceKey,
    /// At most 64 bytes.
    pub code: String,
    pub at: Timestamp,
    pub value: f64,
    /// UCUM, as the device declared it.
    pub unit: Option<String>,
}
