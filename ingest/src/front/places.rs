//! The places of clients that are nobody yet, between accept and CONNACK. They cost no secret, so whoever has one address
//! could have them all: when they are full, the address that holds most makes room for others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ahash::HashMap;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use vitals::subscriber;

/// Whoever takes longer until its CONNECT says nothing, and gives way to the next one of its own address. Two cores finish 512 TLS
/// handshakes in a sixth of it (`bench connections`), so that ten thousand devices behind one address queue instead of displacing each other.
const GRACE: Duration = Duration::from_secs(1);

pub(super) struct Places {
    most: usize,
    taken: Mutex<Taken>,
    freed: Notify,
}

#[derive(Default)]
struct Taken {
    count: usize,
    /// Of those that have not said who they are. Each has at least one, by its number: the first is the oldest.
    by_source: HashMap<IpAddr, BTreeMap<u64, Handshake>>,
    last: u64,
}

struct Handshake {
    since: Instant,
    displaced: Arc<Notify>,
}

/// One place, given back when dropped.
pub(super) struct Place {
    places: Arc<Places>,
    source: IpAddr,
    number: u64,
    displaced: Arc<Notify>,
    spoke: AtomicBool,
}

impl Places {
    pub(super) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, taken: Mutex::default(), freed: Notify::new() })
    }

    /// Waits until one is free, or until somebody has to give way.
    pub(super) async fn enter(self: &Arc<Self>, address: IpAddr) -> Place {
        loop {
            let freed = self.freed.notified();
            tokio::pin!(freed);
            freed.as_mut().enable();
            match self.try_enter(address, Instant::now()) {
                Ok(place) => return place,
                // Freed, or the time is over: the next look tells.
                Err(patience) => drop(timeout(patience, freed).await),
            }
        }
    }

    /// Or how long until somebody will have to give way.
    fn try_enter(self: &Arc<Self>, address: IpAddr, now: Instant) -> Result<Place, Duration> {
        let source = subscriber(address);
        let mut taken = self.taken.lock();
        if taken.count >= self.most {
            taken.make_room(source, now)?;
        }
        taken.last += 1;
        let (number, displaced) = (taken.last, Arc::new(Notify::new()));
        let handshake = Handshake { since: now, displaced: displaced.clone() };
        taken.by_source.entry(source).or_default().insert(number, handshake);
        taken.count += 1;
        Ok(Place { places: self.clone(), source, number, displaced, spoke: AtomicBool::new(false) })
    }
}

impl Taken {
    fn make_room(&mut self, newcomer: IpAddr, now: Instant) -> Result<(), Duration> {
        let own = self.by_source.get(&newcomer).map_or(0, BTreeMap::len);
        // Only when all are taken; there are no more than places. Of those that hold most, the one with the oldest. None where all
        // have said who they are: what they still wait for is ours.
        let of = |(source, handshakes): (&IpAddr, &BTreeMap<u64, Handshake>)| {
            let (&number, oldest) = handshakes.first_key_value()?;
            Some((handshakes.len(), std::cmp::Reverse(number), oldest.since, *source))
        };
        let Some((most, std::cmp::Reverse(number), since, largest)) = self.by_source.iter().filter_map(of).max() else {
            return Err(GRACE);
        };
        // At once only where the newcomer's address does not hold most in turn: two crowds would displace each other for ever.
        let fair = own + 1 < most;
        let patience = GRACE.saturating_sub(now.saturating_duration_since(since));
        if !fair && !patience.is_zero() {
            return Err(patience);
        }
        if let Some(handshake) = self.remove(largest, number) {
            self.count -= 1;
            handshake.displaced.notify_one();
            metrics::counter!("vigil_mqtt_displaced_total").increment(1);
        }
        Ok(())
    }

    fn remove(&mut self, source: IpAddr, number: u64) -> Option<Handshake> {
        let handshakes = self.by_source.get_mut(&source)?;
        let handshake = handshakes.remove(&number)?;
        if handshakes.is_empty() {
            self.by_source.remove(&source);
        }
        Some(handshake)
    }
}

impl Place {
    /// It has said who it is: nobody displaces it any more. False: somebody has.
    pub(super) fn spoke(&self) -> bool {
        let kept = self.places.taken.lock().remove(self.source, self.number).is_some();
        self.spoke.fetch_or(kept, Ordering::Relaxed) || kept
    }

    /// Ready once another client has it.
    pub(super) async fn displaced(&self) {
        self.displaced.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock();
        if self.spoke.load(Ordering::Relaxed) || taken.remove(self.source, self.number).is_some() {
            taken.count -= 1;
            drop(taken);
            self.places.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    const SOON: Duration = Duration::from_millis(1);

    fn host(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn gave_way(place: &Place) -> bool {
        place.displaced().now_or_never().is_some()
    }

    /// All places of one address, taken a millisecond after each other.
    fn crowd(places: &Arc<Places>, address: IpAddr, begin: Instant) -> Vec<Place> {
        (0..places.most as u32).map(|number| places.try_enter(address, begin + SOON * number).unwrap()).collect()
    }

    #[test]
    fn another_address_displaces_the_oldest_of_a_crowd_at_once_until_it_has_its_share() {
        let (places, begin) = (Places::new(6), Instant::now());
        let crowd = crowd(&places, host(1), begin);
        let others: Vec<_> = (0..3).map(|_| places.try_enter(host(2), begin + SOON * 6).expect("at once")).collect();
        assert_eq!(crowd.iter().map(gave_way).collect::<Vec<_>>(), [true, true, true, false, false, false]);
        let wait = places.try_enter(host(2), begin + SOON * 6).err();
        assert_eq!(wait, Some(GRACE - SOON * 3), "as many as the crowd has left: until its oldest is old");
        drop(places.try_enter(host(3), begin + SOON * 6).expect("a third one still comes first"));
        assert!(!others.iter().any(gave_way), "who holds as much as others is not the first to go");
        assert_eq!(places.taken.lock().count, 5);
        drop((crowd, others));
        assert!(places.taken.lock().by_source.is_empty());
    }

    #[test]
    fn the_crowd_itself_waits_for_a_place_and_displaces_only_who_says_nothing() {
        let (places, begin) = (Places::new(4), Instant::now());
        let mut crowd = crowd(&places, host(1), begin);
        assert_eq!(places.try_enter(host(1), begin + SOON * 4).err(), Some(GRACE - SOON * 4));
        drop(crowd.pop());
        crowd.push(places.try_enter(host(1), begin + SOON * 4).expect("one was given back"));
        assert!(!crowd.iter().any(gave_way));
        crowd.push(places.try_enter(host(1), begin + GRACE).expect("the oldest is old"));
        assert_eq!(crowd.iter().map(gave_way).collect::<Vec<_>>(), [true, false, false, false, false]);
    }

    #[test]
    fn who_has_said_who_it_is_stays_however_long_it_is_looked_up() {
        let (places, begin) = (Places::new(2), Instant::now());
        let crowd = crowd(&places, host(1), begin);
        assert!(crowd[0].spoke());
        let newcomer = places.try_enter(host(1), begin + GRACE * 9).expect("the other one said nothing");
        assert_eq!(crowd.iter().map(gave_way).collect::<Vec<_>>(), [false, true]);
        assert!(!crowd[1].spoke(), "its place is another's");
        drop(newcomer);
        assert_eq!(places.taken.lock().count, 1);
        drop(crowd);
        assert_eq!(places.taken.lock().count, 0);
        let all: Vec<_> = (0..2).map(|_| places.try_enter(host(1), begin).unwrap()).collect();
        assert!(all.iter().all(Place::spoke));
        assert!(places.try_enter(host(2), begin + GRACE * 9).is_err(), "all are looked up: nobody has to go");
    }

    #[tokio::test]
    async fn who_waits_enters_when_one_leaves() {
        let places = Places::new(1);
        let first = places.enter(host(1)).await;
        let next = places.enter(host(1));
        tokio::pin!(next);
        assert!(next.as_mut().now_or_never().is_none());
        drop(first);
        assert!(next.now_or_never().is_some());
    }
}
