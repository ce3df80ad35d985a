use crate::physiology::Strain;

/// Somebody puts the electrode back after half a minute.
pub(super) fn strain(elapsed_s: f32, strain: &mut Strain) {
    strain.lead_off |= elapsed_s < 30.0;
}
