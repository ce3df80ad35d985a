use std::collections::BTreeSet;

use vitals::Timestamp;

use super::Trouble;
use crate::tls::{DAY_MS, Tls};

/// What is left of a certificate when it becomes an alarm: time to order another one. Ours is made anew before.
const SOON_DAYS: i64 = 14;

/// The certificates that devices trust, or that we trust them by.
pub(super) struct Certificates {
    tls: Tls,
    soon: BTreeSet<&'static str>,
    renewing: Trouble,
    reading: Trouble,
}

impl Certificates {
    pub(super) fn new(tls: Tls) -> Self {
        Self { tls, soon: BTreeSet::new(), renewing: Trouble::default(), reading: Trouble::default() }
    }

    /// Also brings another one into use: ours where it is due, or what the operator put in its place.
    pub(super) fn look(&mut self, now: Timestamp) {
        if self.renewing.tell(self.tls.refresh()) == Some(true) {
            tracing::info!("another server certificate is in use");
        }
        // Unread, what was last known stands.
        let Some(ends) = self.reading.tell(self.tls.ends()) else { return };
        for (name, ends_at) in &ends {
            let seconds = ends_at.micros() / 1_000_000;
            metrics::gauge!("vigil_certificate_ends_timestamp_seconds", "certificate" => *name).set(seconds as f64);
        }
        let soon: BTreeSet<_> =
            ends.iter().filter(|(_, ends_at)| is_soon(*ends_at, now)).map(|(name, _)| *name).collect();
        for (name, ends_at) in ends.iter().filter(|(name, _)| soon.contains(name) && !self.soon.contains(name)) {
            tracing::warn!(certificate = name, %ends_at, "a certificate ends soon");
        }
        self.soon = soon;
    }

    pub(super) fn end_soon(&self) -> bool {
        !self.soon.is_empty()
    }
}

fn is_soon(ends_at: Timestamp, now: Timestamp) -> bool {
    ends_at <= now.plus_millis(SOON_DAYS * DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_about_two_weeks_before_its_end_and_after_it() {
        let now = Timestamp::from_millis(1_800_000_000_000);
        for (left_ms, soon) in [
            (365 * DAY_MS, false),
            (SOON_DAYS * DAY_MS + 1, false),
            (SOON_DAYS * DAY_MS, true),
            (3 * DAY_MS, true),
            (0, true),
            (-DAY_MS, true),
        ] {
            assert_eq!(is_soon(now.plus_millis(left_ms), now), soon, "{left_ms} ms left");
        }
    }
}
