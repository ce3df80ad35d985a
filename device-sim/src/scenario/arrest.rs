use crate::physiology::Strain;

/// Two minutes until the heart beats again.
pub(super) fn strain(elapsed_s: f32, strain: &mut Strain) {
    strain.arrest |= elapsed_s < 120.0;
}
