use crate::physiology::Strain;

/// Longer than the silence limit of a bedside device, so that Vigil has to say something.
const DOWN_S: f32 = 20.0;

pub(super) fn strain(elapsed_s: f32, strain: &mut Strain) {
    strain.unplugged |= elapsed_s < DOWN_S;
}
