use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::Mutex;
use vitals::{StationId, Timestamp};

use super::sight::Sight;
use crate::caller::{Caller, Identity, Proof};
use crate::identity::LOCKS_MS;

/// How long after its socket went a screen may come back on what was known of it: a page that is loaded anew, a link that
/// broke. Longer, and somebody whose right has ended meanwhile might.
const COMES_BACK_MS: i64 = 60_000;

/// Screens that are there or may come back: more than `max_screens` and those of a minute.
const REMEMBERED: usize = 4_096;

/// Who sits before the screens that are open, so that one which loses its link while the database is away finds its place
/// again: alarms wait for no database (design P3). Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    taken: AHashMap<Proof, Arc<Mutex<Taken>>>,
    /// Proofs that another took the place of, and when: a screen that was let in by one is being opened still.
    moved: AHashMap<Proof, (Proof, Timestamp)>,
}

struct Taken {
    identity: Identity,
    sight: Arc<Sight>,
    looked: Looked,
    /// Sockets that are open; none: since when.
    open: usize,
    left_at: Timestamp,
    given_up: bool,
}

/// When the database last said what is shown, and until when that may have names: a page that is loaded anew gives them no
/// more time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looked {
    at: Timestamp,
    names_until: Timestamp,
}

impl Looked {
    /// `locks_at`: when whoever is there has done nothing for too long, if anybody is. Beyond the limit any session would have
    /// locked, also one that came since.
    pub(super) fn new(at: Timestamp, locks_at: Option<Timestamp>) -> Self {
        let longest = at.plus_millis(LOCKS_MS);
        Self { at, names_until: locks_at.map_or(longest, |locks_at| locks_at.min(longest)) }
    }

    pub(super) fn names_nobody(self, now: Timestamp) -> bool {
        now >= self.names_until
    }
}

impl Taken {
    fn looked(&mut self, looked: Looked) {
        if looked.at >= self.looked.at {
            self.looked = looked;
        }
    }

    fn holds(&self, now: Timestamp) -> bool {
        !self.given_up && (self.open > 0 || now.millis_since(self.left_at) < COMES_BACK_MS)
    }
}

impl Known {
    fn of(&self, proof: &Proof, now: Timestamp) -> Option<&Arc<Mutex<Taken>>> {
        self.taken.get(proof).filter(|taken| taken.lock().holds(now))
    }

    fn forget(&mut self, now: Timestamp) {
        self.taken.retain(|_, taken| taken.lock().holds(now));
        self.moved.retain(|_, (_, at)| now.millis_since(*at) < COMES_BACK_MS);
    }
}

/// One socket; gives its seat back when it is dropped.
pub(crate) struct Seat {
    taken: Arc<Mutex<Taken>>,
    caller: Caller,
}

impl Seats {
    /// Who proved himself by this when the database could be asked, if his screen is there or was a moment ago.
    pub(crate) fn who(&self, proof: &Proof, now: Timestamp) -> Option<Identity> {
        self.0.lock().of(proof, now).map(|taken| taken.lock().identity.clone())
    }

    /// Whoever proves himself by this comes back only by way of the database.
    pub(crate) fn give_up(&self, proof: &Proof) {
        if let Some(taken) = self.0.lock().taken.remove(proof) {
            taken.lock().given_up = true;
        }
    }

    /// The same of all screens that were this station's.
    pub(crate) fn give_up_station(&self, station: StationId) {
        self.0.lock().taken.retain(|_, taken| {
            let mut taken = taken.lock();
            taken.given_up |= taken.identity.who.station() == Some(station);
            !taken.given_up
        });
    }

    /// This browser proves itself by `new` from now on, and nobody by `old`. `turned_out`: as whom, if as somebody else.
    pub(crate) fn moves(&self, old: Proof, new: Proof, turned_out: Option<Identity>, now: Timestamp) {
        let mut known = self.0.lock();
        known.forget(now);
        known.moved.insert(old, (new, now));
        known.moved.remove(&new);
        let Some(taken) = known.taken.remove(&old) else { return };
        if let Some(identity) = turned_out {
            taken.lock().identity = identity;
        }
        known.taken.insert(new, taken);
    }

    /// Whoever proves himself by this has locked his screen: no look has to say so.
    pub(crate) fn locks(&self, proof: &Proof, now: Timestamp) {
        if let Some(taken) = self.0.lock().taken.get(proof) {
            taken.lock().looked(Looked { at: now, names_until: now });
        }
    }

    /// What this one's screen showed last, and what the database last said of it.
    pub(super) fn sight(&self, caller: &Caller) -> Option<(Arc<Sight>, Looked)> {
        let known = self.0.lock();
        let taken = known.of(&caller.request().proof, caller.now())?.lock();
        Some((taken.sight.clone(), taken.looked))
    }

    pub(super) fn take(&self, caller: &Caller, sight: &Arc<Sight>, looked: Looked) -> Seat {
        let (now, mut known, mut proof) = (caller.now(), self.0.lock(), caller.request().proof);
        known.forget(now);
        // Each step is newer than the one before.
        while let Some((new, _)) = known.moved.get(&proof) {
            proof = *new;
        }
        let (identity, sight) = (caller.identity().clone(), sight.clone());
        if let Some(shared) = known.taken.get(&proof) {
            let mut taken = shared.lock();
            taken.open += 1;
            taken.looked(looked);
            (taken.identity, taken.sight) = (identity, sight);
            return Seat { taken: shared.clone(), caller: caller.clone() };
        }
        let taken = Taken { identity, sight, looked, open: 1, left_at: now, given_up: false };
        let taken = Arc::new(Mutex::new(taken));
        if known.taken.len() < REMEMBERED {
            known.taken.insert(proof, taken.clone());
        }
        Seat { taken, caller: caller.clone() }
    }
}

impl Seat {
    pub(super) fn give_up(&self) {
        self.taken.lock().given_up = true;
    }

    pub(super) fn sees(&self, sight: &Arc<Sight>) {
        self.taken.lock().sight = sight.clone();
    }

    /// The database said what is shown.
    pub(super) fn looked(&self, looked: Looked) {
        self.taken.lock().looked(looked);
    }

    pub(super) fn names_nobody(&self) -> bool {
        self.taken.lock().looked.names_nobody(self.caller.now())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = self.taken.lock();
        taken.open = taken.open.saturating_sub(1);
        taken.left_at = self.caller.now();
    }
}
