//! How often somebody may be wrong, such that nobody can keep a colleague out (decision 0017).
//!
//! A try is charged to one account *at one place*: a station, a browser or an address where that account has signed in
//! before. Whoever tries from anywhere else is a stranger, and all strangers to an account share its charge; it never falls on
//! a place that is known. An address is shared, and so is a station: whoever tries one account after another there is charged
//! for all of them together.

use std::net::IpAddr;

use ahash::AHashMap;
use parking_lot::Mutex;
use vitals::Timestamp;

use super::secret::Digest;

/// Charges that are held, about 100 bytes each. Beyond it the one that was longest at rest is forgotten.
const HELD: usize = 16_384;

/// A charge is forgotten this long after its last try.
const FORGOTTEN_MS: i64 = 3_600_000;

/// What a try is charged to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Charge {
    /// An account at a place that knows it. Accounts are named by the digest of what was typed: one that does not exist
    /// is throttled alike.
    Place(Kind, Digest, Digest),
    /// An account, from everywhere else.
    Account(Kind, Digest),
    /// An address, whatever it tries: for whoever comes with no browser that is known.
    Address(IpAddr),
    /// A station, whatever is tried there.
    Station(Digest),
}

/// What is tried. A wrong code costs no try of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Password,
    Code,
    Pin,
}

impl Charge {
    /// From which wrong try on one waits, and the longest wait. It doubles from one second.
    const fn rule(self) -> (u32, i64) {
        match self {
            // Short: whoever stands at the nurse's own screen could make her wait no longer than that.
            Self::Place(..) => (10, 30_000),
            Self::Account(..) => (5, 900_000),
            // Many people share one, and many of them forget a password.
            Self::Address(_) => (30, 60_000),
            Self::Station(_) => (30, 30_000),
        }
    }
}

impl Charge {
    /// From when on another try is looked at.
    fn next(self, tries: &Tries) -> Timestamp {
        let (free, longest) = self.rule();
        let doubled = tries.wrong.checked_sub(free).map(|over| 1_000_i64 << over.min(20));
        doubled.map_or(tries.last, |wait| tries.last.plus_millis(wait.min(longest)))
    }
}

#[derive(Clone, Copy, Debug)]
struct Tries {
    wrong: u32,
    last: Timestamp,
    next: Timestamp,
}

/// How long to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) seconds: i64,
}

/// In memory: a restart forgives, and an attacker cannot cause one.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<AHashMap<Charge, Tries>>);

impl Throttle {
    /// Charges a try as a wrong one before it is looked at, so that a thousand at once are a thousand. Refused while one of
    /// the charges must wait, and then charged to none.
    pub(crate) fn charge(&self, charges: &[Charge], now: Timestamp) -> Result<(), Wait> {
        let mut held = self.0.lock();
        let waits = charges.iter().filter_map(|charge| held.get(charge)).filter(|tries| now < tries.next);
        if let Some(next) = waits.map(|tries| tries.next).max() {
            return Err(Wait { seconds: next.millis_since(now).div_euclid(1_000) + 1 });
        }
        for charge in charges {
            make_room(&mut held, now);
            let tries = held.entry(*charge).or_insert(Tries { wrong: 0, last: now, next: now });
            if now.millis_since(tries.last) >= FORGOTTEN_MS {
                tries.wrong = 0;
            }
            tries.wrong = tries.wrong.saturating_add(1);
            tries.last = now;
            tries.next = charge.next(tries);
        }
        Ok(())
    }

    /// Nobody looked at it.
    pub(crate) fn take_back(&self, charges: &[Charge]) {
        let mut held = self.0.lock();
        for charge in charges {
            if let Some(tries) = held.get_mut(charge) {
                tries.wrong = tries.wrong.saturating_sub(1);
                tries.next = charge.next(tries);
            }
        }
    }

    /// It was right.
    pub(crate) fn forgive(&self, charges: &[Charge]) {
        let mut held = self.0.lock();
        for charge in charges {
            match charge {
                Charge::Place(..) | Charge::Account(..) => {
                    held.remove(charge);
                }
                // One right password does not pay for others' wrong ones.
                Charge::Address(_) | Charge::Station(_) => {
                    if let Some(tries) = held.get_mut(charge) {
                        tries.wrong = tries.wrong.saturating_sub(1);
                        tries.next = tries.last;
                    }
                }
            }
        }
    }
}

fn make_room(held: &mut AHashMap<Charge, Tries>, now: Timestamp) {
    if held.len() < HELD {
        return;
    }
    held.retain(|_, tries| now.millis_since(tries.last) < FORGOTTEN_MS);
    if held.len() >= HELD
        && let Some(oldest) = held.iter().min_by_key(|(_, tries)| tries.last).map(|(charge, _)| *charge)
    {
        held.remove(&oldest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Timestamp = Timestamp::from_millis(1_795_428_000_000);
    const STRANGERS: Charge = Charge::Account(Kind::Password, [1; 32]);
    const AT_HOME: Charge = Charge::Place(Kind::Password, [1; 32], [2; 32]);

    fn address(last: u8) -> Charge {
        Charge::Address([192, 0, 2, last].into())
    }

    /// Tries every 10 ms for a while, each wrong; how many were let through.
    fn hammer(throttle: &Throttle, charges: &[Charge], seconds: i64) -> i64 {
        (0..seconds * 100).map(|turn| throttle.charge(charges, T0.plus_millis(turn * 10))).filter(Result::is_ok).count()
            as i64
    }

    #[test]
    fn an_hour_of_hammering_gives_a_stranger_a_few_tries() {
        let let_through = hammer(&Throttle::default(), &[STRANGERS, address(1)], 3_600);
        assert!((10..=20).contains(&let_through), "{let_through}");
    }

    #[test]
    fn whoever_hammers_an_account_keeps_nobody_out_who_has_signed_in_before() {
        let throttle = Throttle::default();
        hammer(&throttle, &[STRANGERS, address(1)], 600);
        assert!(throttle.charge(&[STRANGERS, address(2)], T0.plus_millis(600_000)).is_err());
        assert_eq!(throttle.charge(&[AT_HOME], T0.plus_millis(600_000)), Ok(()));
    }

    #[test]
    fn what_is_refused_is_not_charged_and_a_wait_ends() {
        let throttle = Throttle::default();
        let Err(Wait { seconds }) = (0..100).try_for_each(|_| throttle.charge(&[AT_HOME], T0)) else {
            panic!("a hundred wrong ones in a moment")
        };
        assert_eq!(seconds, 2);
        assert!(throttle.charge(&[AT_HOME], T0.plus_millis(999)).is_err());
        assert_eq!(throttle.charge(&[AT_HOME], T0.plus_millis(1_000)), Ok(()));
    }

    #[test]
    fn the_right_one_clears_the_account_and_not_the_address() {
        let throttle = Throttle::default();
        let right =
            |at| throttle.charge(&[STRANGERS, address(1)], at).map(|()| throttle.forgive(&[STRANGERS, address(1)]));
        for account in 0..29 {
            throttle.charge(&[Charge::Account(Kind::Password, [account + 50; 32]), address(1)], T0).unwrap();
        }
        for _ in 0..50 {
            right(T0).unwrap();
        }
        throttle.charge(&[Charge::Account(Kind::Password, [99; 32]), address(1)], T0).unwrap();
        assert!(right(T0).is_err(), "thirty wrong ones came from there");
    }

    #[test]
    fn what_nobody_looked_at_is_taken_back() {
        let throttle = Throttle::default();
        for _ in 0..100 {
            throttle.charge(&[AT_HOME, address(1)], T0).unwrap();
            throttle.take_back(&[AT_HOME, address(1)]);
        }
        assert_eq!(throttle.charge(&[AT_HOME], T0), Ok(()));
    }

    #[test]
    fn it_holds_no_more_than_it_may() {
        let throttle = Throttle::default();
        for number in 0..HELD + 100 {
            let mut account = [0; 32];
            account[..8].copy_from_slice(&number.to_be_bytes());
            throttle.charge(&[Charge::Account(Kind::Code, account)], T0.plus_millis(number as i64)).unwrap();
        }
        let held = throttle.0.lock();
        assert_eq!(held.len(), HELD);
        assert!(!held.contains_key(&Charge::Account(Kind::Code, [0; 32])));
    }
}
