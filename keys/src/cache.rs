use ahash::AHashMap;
use parking_lot::Mutex;
use vitals::PatientId;

use crate::PatientKey;

/// Keys of one half. Twice as many are held at the most, about 1 KiB each: a ward's patients, and those of a day's work.
const HALF: usize = 4_096;

/// Keys of patients that were asked for lately: the younger half, and the older one, which goes when the younger is full.
#[derive(Default)]
pub(crate) struct Cache(Mutex<Halves>);

#[derive(Default)]
struct Halves {
    young: AHashMap<PatientId, PatientKey>,
    old: AHashMap<PatientId, PatientKey>,
    /// How often everything was forgotten.
    forgotten: u64,
    /// Nothing is kept: nobody would tell us that a key was destroyed.
    deaf: bool,
}

impl Cache {
    /// Also answers when it was asked, for `put`.
    pub(crate) fn find(&self, patient: PatientId) -> (Option<PatientKey>, u64) {
        let mut halves = self.0.lock();
        let found = halves.young.get(&patient).cloned().or_else(|| {
            let key = halves.old.remove(&patient)?;
            halves.insert(key.clone());
            Some(key)
        });
        (found, halves.forgotten)
    }

    /// Nothing, where everything was forgotten since `asked`: a key that was destroyed meanwhile does not come back.
    pub(crate) fn put(&self, key: &PatientKey, asked: u64) {
        let mut halves = self.0.lock();
        if halves.forgotten == asked && !halves.deaf {
            halves.insert(key.clone());
        }
    }

    pub(crate) fn forget(&self) {
        let mut halves = self.0.lock();
        *halves = Halves { forgotten: halves.forgotten + 1, deaf: halves.deaf, ..Halves::default() };
    }

    /// Whether changes of keys are heard of. While they are not, every key is read anew.
    pub(crate) fn hears(&self, hears: bool) {
        self.forget();
        self.0.lock().deaf = !hears;
    }
}

impl Halves {
    fn insert(&mut self, key: PatientKey) {
        if self.young.len() >= HALF {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(key.patient(), key);
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::secret::Secret;

    fn key(number: usize) -> PatientKey {
        PatientKey::new(PatientId(Uuid::from_u128(number as u128)), &Secret::draw())
    }

    #[test]
    fn it_is_bounded_and_keeps_what_is_asked_for() {
        let cache = Cache::default();
        let often = key(0);
        for number in 0..5 * HALF {
            cache.put(&if number == 0 { often.clone() } else { key(number) }, 0);
            assert!(cache.find(often.patient()).0.is_some(), "after {number}");
        }
        let halves = cache.0.lock();
        assert!(halves.young.len() <= HALF && halves.old.len() <= HALF);
    }

    #[test]
    fn nothing_is_kept_while_nobody_would_tell_that_a_key_was_destroyed() {
        let cache = Cache::default();
        cache.put(&key(1), 0);
        cache.hears(false);
        let (found, asked) = cache.find(key(1).patient());
        assert!(found.is_none());
        cache.put(&key(1), asked);
        assert!(cache.find(key(1).patient()).0.is_none());
        cache.hears(true);
        let (_, asked) = cache.find(key(1).patient());
        cache.put(&key(1), asked);
        assert!(cache.find(key(1).patient()).0.is_some());
    }

    #[test]
    fn what_was_read_before_all_was_forgotten_is_not_kept_after() {
        let cache = Cache::default();
        let (_, asked) = cache.find(key(1).patient());
        cache.forget();
        cache.put(&key(1), asked);
        assert!(cache.find(key(1).patient()).0.is_none());
    }
}
