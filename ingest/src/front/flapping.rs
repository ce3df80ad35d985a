//! Two clients with one identity take it from each other for ever: slowed, so that neither costs more than one that
//! reconnects now and then, and named, so that somebody looks.

use std::time::Duration;

use ahash::HashMap;
use parking_lot::Mutex;
use tokio::time::Instant;
use vitals::DeviceName;

/// Takeovers in quick succession that are usual: a device that lost its link comes back before we know that it was lost.
const USUAL: u32 = 4;
/// After this long without a takeover, one is forgotten.
const FORGOTTEN: Duration = Duration::from_secs(15);
/// The first wait; it doubles with each takeover.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// Well below the time that a client has until its CONNACK.
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Identities remembered; beyond it those whose takeovers are forgotten make room. There are no more than enrolled ones.
const REMEMBERED: usize = 1_024;

/// Between two sweeps of what is forgotten.
const SWEEP: Duration = Duration::from_secs(1);

#[derive(Default)]
pub(super) struct Flapping(Mutex<Records>);

#[derive(Default)]
struct Records {
    by_name: HashMap<DeviceName, Record>,
    swept: Option<Instant>,
}

struct Record {
    takeovers: u32,
    latest: Instant,
    /// Somebody waits for the seat already.
    awaited: bool,
}

impl Record {
    fn forget(&mut self, now: Instant) {
        let forgotten = now.duration_since(self.latest).as_secs() / FORGOTTEN.as_secs();
        self.takeovers = self.takeovers.saturating_sub(u32::try_from(forgotten).unwrap_or(u32::MAX));
    }
}

/// The right to wait for a seat that is taken, given back when dropped.
pub(super) struct Takeover<'a> {
    of: &'a Flapping,
    name: DeviceName,
    wait: Duration,
}

impl Flapping {
    /// None: somebody else waits for the same seat.
    pub(super) fn takeover(&self, name: &DeviceName, now: Instant) -> Option<Takeover<'_>> {
        let mut records = self.0.lock();
        let sweep = records.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP);
        if records.by_name.len() >= REMEMBERED && sweep {
            records.swept = Some(now);
            records.by_name.retain(|_, record| {
                record.forget(now);
                record.awaited || record.takeovers > 0
            });
        }
        let record =
            records.by_name.entry(name.clone()).or_insert(Record { takeovers: 0, latest: now, awaited: false });
        if record.awaited {
            return None;
        }
        record.forget(now);
        // One more than is usual doubles the wait a last time: a storm is over for us within two minutes of its end.
        record.takeovers = (record.takeovers + 1).min(2 * USUAL);
        (record.latest, record.awaited) = (now, true);
        Some(Takeover { of: self, name: name.clone(), wait: wait(record.takeovers) })
    }
}

fn wait(takeovers: u32) -> Duration {
    match takeovers.checked_sub(USUAL + 1) {
        None => Duration::ZERO,
        Some(beyond) => (FIRST_WAIT * 2_u32.saturating_pow(beyond)).min(LONGEST_WAIT),
    }
}

impl Takeover<'_> {
    pub(super) fn slowed(&self) -> bool {
        !self.wait.is_zero()
    }

    pub(super) fn wait(&self) -> Duration {
        self.wait
    }
}

impl Drop for Takeover<'_> {
    fn drop(&mut self) {
        if let Some(record) = self.of.0.lock().by_name.get_mut(&self.name) {
            record.awaited = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_storm_is_slowed_and_forgotten_again() {
        let (flapping, name, begin) = (Flapping::default(), DeviceName::try_from("bed-1").unwrap(), Instant::now());
        let wait = |after: Duration| flapping.takeover(&name, begin + after).unwrap().wait().as_millis();
        let waits: Vec<_> = (0..9).map(|_| wait(Duration::ZERO)).collect();
        assert_eq!(waits, [0, 0, 0, 0, 250, 500, 1_000, 2_000, 2_000]);
        assert_eq!(wait(FORGOTTEN), 2_000, "one is forgotten and one is new");
        assert_eq!(wait(FORGOTTEN * 6), 0);
    }

    #[test]
    fn one_waits_at_a_time() {
        let (flapping, name) = (Flapping::default(), DeviceName::try_from("bed-1").unwrap());
        let now = Instant::now();
        let first = flapping.takeover(&name, now).unwrap();
        assert!(flapping.takeover(&name, now).is_none());
        assert!(flapping.takeover(&DeviceName::try_from("bed-2").unwrap(), now).is_some());
        drop(first);
        assert!(flapping.takeover(&name, now).is_some());
    }
}
