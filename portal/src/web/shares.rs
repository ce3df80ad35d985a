use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use vitals::subscriber;

/// How much of something each address has, so that one alone cannot have all of it. Loopback is not counted: behind it may
/// be a proxy that passes on a whole house, and whoever is on this machine has other ways to stop us.
#[derive(Clone)]
pub(super) struct Shares {
    most: usize,
    /// Never more entries than there is of what is shared.
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of an address's, given back when it is dropped.
pub(super) struct Share {
    /// None: not counted.
    address: Option<IpAddr>,
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

impl Shares {
    /// `most`: of one address, which may be all screens of a house.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// None: this address has its share.
    pub(super) fn take(&self, address: IpAddr) -> Option<Share> {
        let address = Some(subscriber(address)).filter(|_| !address.to_canonical().is_loopback());
        if let Some(address) = address {
            let mut taken = self.taken.lock();
            let count = taken.get(&address).copied().unwrap_or_default();
            if count >= self.most {
                return None;
            }
            taken.insert(address, count + 1);
        }
        Some(Share { address, taken: self.taken.clone() })
    }

    #[cfg(test)]
    pub(super) fn is_untouched(&self) -> bool {
        self.taken.lock().is_empty()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut taken = self.taken.lock();
        let left = taken.get_mut(&address).map(|count| {
            *count -= 1;
            *count
        });
        if left == Some(0) {
            taken.remove(&address);
        }
    }
}

/// The connections of a listener.
pub(super) struct Places {
    free: Arc<Semaphore>,
    shares: Shares,
}

/// One that is free, and nobody's yet.
pub(super) struct Free<'a> {
    permit: OwnedSemaphorePermit,
    shares: &'a Shares,
}

/// One of an address's, given back when it is dropped.
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    _share: Share,
}

impl Places {
    /// As many together, and of one address.
    pub(super) fn new(most: usize, of_one_address: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(most)), shares: Shares::new(of_one_address) }
    }

    /// Once there is one.
    pub(super) async fn free(&self) -> Free<'_> {
        let permit = self.free.clone().acquire_owned().await.expect("nobody closes the semaphore");
        Free { permit, shares: &self.shares }
    }
}

impl Free<'_> {
    /// None: this address has its share.
    pub(super) fn take(self, address: IpAddr) -> Option<Place> {
        self.shares.take(address).map(|share| Place { _permit: self.permit, _share: share })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn at(address: &str) -> IpAddr {
        address.parse().unwrap()
    }

    #[test]
    fn one_address_has_no_more_than_its_share() {
        let shares = Shares::new(2);
        let taken = [shares.take(at("2001:db8::1")).unwrap(), shares.take(at("2001:db8::2")).unwrap()];
        assert!(shares.take(at("2001:db8::3")).is_none(), "one subscriber's, whatever its last half");
        let other = shares.take(at("192.0.2.1")).unwrap();
        let [first, second] = taken;
        drop(first);
        let again = shares.take(at("2001:db8::3")).unwrap();
        drop((second, other, again));
        assert!(shares.is_untouched());
    }

    #[tokio::test]
    async fn one_address_cannot_take_all_connections_and_a_proxy_of_this_machine_can() {
        let places = Places::new(16, 4);
        let greedy: Vec<_> = {
            let mut taken = Vec::new();
            while let Some(place) = places.free().await.take(at("192.0.2.1")) {
                taken.push(place);
            }
            taken
        };
        assert_eq!(greedy.len(), 4);
        let mut proxy = Vec::new();
        for _ in 0..12 {
            proxy.push(places.free().await.take(at("127.0.0.1")).expect("whoever is behind it"));
        }
        assert!(places.free().now_or_never().is_none(), "all are taken");
        drop((greedy, proxy));
        assert!(places.free().await.take(at("192.0.2.1")).is_some());
    }

    #[test]
    fn whoever_comes_through_a_proxy_of_this_machine_is_not_counted() {
        let shares = Shares::new(1);
        for address in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            let taken: Vec<_> = (0..3).map(|_| shares.take(at(address))).collect();
            assert!(taken.iter().all(Option::is_some), "{address}");
        }
        assert!(shares.is_untouched());
    }
}
