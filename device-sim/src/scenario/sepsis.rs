use crate::physiology::Strain;

/// The infection takes ten minutes to the full and stays.
pub(super) fn strain(elapsed_s: f32, strain: &mut Strain) {
    strain.infection = strain.infection.max((elapsed_s / 600.0).min(1.0));
}
