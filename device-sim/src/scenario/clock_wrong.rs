use crate::physiology::Strain;

/// Somebody corrects the clock after a minute.
const WRONG_S: f32 = 60.0;

pub(super) fn fast(elapsed_s: f32, strain: &mut Strain) {
    if elapsed_s < WRONG_S {
        strain.clock_ms = 90_000;
    }
}

/// An hour behind: a summer-time mistake.
pub(super) fn slow(elapsed_s: f32, strain: &mut Strain) {
    if elapsed_s < WRONG_S {
        strain.clock_ms = -3_600_000;
    }
}

/// A single frame after a roll-over of the device's clock.
pub(super) fn from_2036(first: bool, strain: &mut Strain) {
    strain.from_2036 |= first;
}
