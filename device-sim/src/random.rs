/// splitmix64 (Steele, Lea, Flood 2014): small, and the same everywhere for the same seed.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut random = Self(seed ^ stream.wrapping_mul(0xD1B5_4A32_D192_ED03));
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, but not, 1.
    pub(crate) fn unit(&mut self) -> f32 {
        (self.next() >> 40) as f32 / (1_u32 << 24) as f32
    }

    pub(crate) fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Mean 0, variance 1, never beyond ±3.5: a body has no outliers from a formula.
    fn gauss(&mut self) -> f32 {
        let sum: f32 = (0..4).map(|_| self.unit()).sum();
        (sum - 2.0) * 3.0_f32.sqrt()
    }
}

/// Noise that wanders and returns (Ornstein-Uhlenbeck), exact for any step.
#[derive(Clone, Debug)]
pub(crate) struct Wander {
    value: f32,
    deviation: f32,
    memory_s: f32,
}

impl Wander {
    pub(crate) fn new(deviation: f32, memory_s: f32) -> Self {
        Self { value: 0.0, deviation, memory_s }
    }

    pub(crate) fn step(&mut self, dt_s: f32, random: &mut Random) -> f32 {
        let keep = (-dt_s / self.memory_s).exp();
        self.value = keep * self.value + self.deviation * (1.0 - keep * keep).sqrt() * random.gauss();
        self.value
    }
}
