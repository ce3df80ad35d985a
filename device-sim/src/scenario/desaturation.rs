use crate::physiology::Strain;

/// An airway closed for a minute.
pub(super) fn strain(elapsed_s: f32, strain: &mut Strain) {
    if elapsed_s < 60.0 {
        strain.hypoxia = 1.0;
    }
}
