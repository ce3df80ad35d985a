use std::sync::Arc;

use ahash::AHashMap;
use parking_lot::Mutex;
use vitals::Timestamp;

use super::sight::Sight;
use crate::caller::{Caller, Identity, Proof};

/// How long after its socket went a screen may come back on what was known of it: a page that is loaded anew, a link that
/// broke. Longer, and somebody whose right has ended meanwhile might.
const COMES_BACK_MS: i64 = 60_000;

/// Screens that are there or may come back: more than `max_screens` and those of a minute.
const REMEMBERED: usize = 4_096;

/// Who sits before the screens that are open, so that one which loses its link while the database is away finds its place
/// again: alarms wait for no database (design P3). Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Seats(Arc<Mutex<AHashMap<Proof, Taken>>>);

struct Taken {
    identity: Identity,
    sight: Arc<Sight>,
    /// When the database last said so: a page that is loaded anew gives it no more time.
    looked_at: Timestamp,
    /// Sockets that are open; none: since when.
    open: usize,
    left_at: Timestamp,
}

impl Taken {
    fn holds(&self, now: Timestamp) -> bool {
        self.open > 0 || now.millis_since(self.left_at) < COMES_BACK_MS
    }
}

/// One socket; gives its seat back when it is dropped.
pub(crate) struct Seat {
    seats: Seats,
    caller: Caller,
}

impl Seats {
    /// Who proved himself by this when the database could be asked, if his screen is there or was a moment ago.
    pub(crate) fn who(&self, proof: &Proof, now: Timestamp) -> Option<Identity> {
        self.0.lock().get(proof).filter(|taken| taken.holds(now)).map(|taken| taken.identity.clone())
    }

    /// Whoever proves himself by this comes back only by way of the database.
    pub(crate) fn give_up(&self, proof: &Proof) {
        self.0.lock().remove(proof);
    }

    /// What this one's screen showed last, and when the database last said so.
    pub(super) fn sight(&self, caller: &Caller) -> Option<(Arc<Sight>, Timestamp)> {
        let seats = self.0.lock();
        let taken = seats.get(&caller.request().proof).filter(|taken| taken.holds(caller.now()))?;
        Some((taken.sight.clone(), taken.looked_at))
    }

    pub(super) fn take(&self, caller: &Caller, sight: &Arc<Sight>, looked_at: Timestamp) -> Seat {
        let (now, mut seats) = (caller.now(), self.0.lock());
        seats.retain(|_, taken| taken.holds(now));
        let known = seats.get(&caller.request().proof);
        let open = known.map_or(0, |taken| taken.open);
        let looked_at = known.map_or(looked_at, |taken| taken.looked_at.max(looked_at));
        if seats.len() < REMEMBERED || open > 0 {
            let (identity, sight) = (caller.identity().clone(), sight.clone());
            seats.insert(caller.request().proof, Taken { identity, sight, looked_at, open: open + 1, left_at: now });
        }
        Seat { seats: self.clone(), caller: caller.clone() }
    }
}

impl Seat {
    pub(super) fn give_up(&self) {
        self.seats.give_up(&self.caller.request().proof);
    }

    pub(super) fn sees(&self, sight: &Arc<Sight>) {
        self.change(|taken| taken.sight = sight.clone());
    }

    /// The database was asked then, and said what is shown.
    pub(super) fn looked(&self, at: Timestamp) {
        self.change(|taken| taken.looked_at = taken.looked_at.max(at));
    }

    fn change(&self, change: impl FnOnce(&mut Taken)) {
        if let Some(taken) = self.seats.0.lock().get_mut(&self.caller.request().proof) {
            change(taken);
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.change(|taken| {
            taken.open = taken.open.saturating_sub(1);
            taken.left_at = self.caller.now();
        });
    }
}
