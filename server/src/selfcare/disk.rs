use std::path::PathBuf;

use anyhow::Context;

use super::Trouble;
use crate::config;

/// How much more than the bound must be free before the alarm ends, as a part of it: log files come and go.
const EASE: u64 = 4;

/// One filesystem.
pub(super) struct Disk {
    label: &'static str,
    folder: PathBuf,
    config: config::System,
    low: bool,
    trouble: Trouble,
}

impl Disk {
    pub(super) fn new(label: &'static str, folder: PathBuf, config: config::System) -> Self {
        Self { label, folder, config, low: false, trouble: Trouble::default() }
    }

    pub(super) fn look(&mut self) {
        let asked = rustix::fs::statvfs(&self.folder)
            .with_context(|| format!("ask how much is free where the {} lies", self.label));
        // Unanswered, what was last known stands.
        let Some(found) = self.trouble.tell(asked) else { return };
        // Free for those who are not root; the database is not.
        let free = found.f_bavail.saturating_mul(found.f_frsize);
        let total = found.f_blocks.saturating_mul(found.f_frsize);
        metrics::gauge!("vigil_disk_free_bytes", "of" => self.label).set(free as f64);
        let low = is_low(self.low, free, total, &self.config);
        if low != self.low {
            self.low = low;
            let what = if low { "a disk is nearly full" } else { "a disk has room again" };
            tracing::warn!(of = self.label, free_mb = free >> 20, total_mb = total >> 20, "{what}");
        }
    }

    pub(super) const fn is_low(&self) -> bool {
        self.low
    }
}

/// Below both bounds, and until there is a quarter more than the lower one.
fn is_low(was_low: bool, free: u64, total: u64, config: &config::System) -> bool {
    let share = total / 100 * u64::from(config.disk_low_percent);
    let bound = share.min(config.disk_low_bytes);
    free < if was_low { bound.saturating_add(bound / EASE) } else { bound }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GB: u64 = 1 << 30;

    #[test]
    fn a_disk_is_low_below_a_share_or_an_amount_whichever_is_less_and_does_not_flap() {
        let config = config::System { disk_low_percent: 10, disk_low_bytes: 20 * GB };
        for (was_low, free, total, low) in [
            // A tenth of a small disk.
            (false, 10 * GB, 100 * GB, false),
            (false, 10 * GB - 1, 100 * GB, true),
            // No more than 20 GB of a large one.
            (false, 20 * GB, 10_000 * GB, false),
            (false, 20 * GB - 1, 10_000 * GB, true),
            // It ends with a quarter more.
            (true, 10 * GB, 100 * GB, true),
            (true, 12 * GB, 100 * GB, true),
            (true, 12 * GB + GB / 2, 100 * GB, false),
            (true, 25 * GB - 1, 10_000 * GB, true),
            (true, 25 * GB, 10_000 * GB, false),
            // A filesystem that does not say how large it is.
            (false, 0, 0, false),
            (false, 0, 100 * GB, true),
        ] {
            assert_eq!(is_low(was_low, free, total, &config), low, "{was_low} {free} of {total}");
        }
        let never = config::System { disk_low_percent: 0, ..config.clone() };
        assert!(!is_low(false, 0, 100 * GB, &never));
        let always = config::System { disk_low_percent: 100, disk_low_bytes: u64::MAX };
        assert!(is_low(false, 100 * GB - 1, 100 * GB, &always) && is_low(true, 100 * GB, 100 * GB, &always));
    }
}
