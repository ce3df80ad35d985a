use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::shares::{Share, Shares};

/// For a handshake of TLS; one over a bad link takes half a second.
pub(super) const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(5);
/// Handshakes under way at once: each costs a signature, about a millisecond, and up to 30 kB. Who comes then waits for one to end.
const MAX_HANDSHAKES: usize = 256;
/// Of one address, which may be all screens of a house: who holds more open than this is sent away, so that one alone cannot
/// use up the rest.
const MAX_OF_ONE_ADDRESS: usize = 64;

/// Those who have connected and proven nothing yet.
#[derive(Clone)]
pub(super) struct Handshakes {
    free: Arc<Semaphore>,
    shares: Shares,
}

/// A turn at a handshake, given back when it is dropped.
pub(super) struct Turn {
    _share: Share,
    _free: OwnedSemaphorePermit,
}

impl Handshakes {
    pub(super) fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(MAX_HANDSHAKES)), shares: Shares::new(MAX_OF_ONE_ADDRESS) }
    }

    /// None: this address has more than its share.
    pub(super) async fn enter(&self, address: IpAddr) -> Option<Turn> {
        let share = self.shares.take(address)?;
        let free = self.free.clone().acquire_owned().await.expect("nobody closes the semaphore");
        Some(Turn { _share: share, _free: free })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_address_cannot_use_up_the_turns_of_the_others() {
        let handshakes = Handshakes::new();
        let greedy: IpAddr = "2001:db8::1".parse().unwrap();
        let mut turns = Vec::new();
        for _ in 0..MAX_OF_ONE_ADDRESS {
            turns.push(handshakes.enter(greedy).await.unwrap());
        }
        assert!(
            handshakes.enter("2001:db8::2".parse().unwrap()).await.is_none(),
            "one subscriber's, whatever its last half"
        );
        let other = handshakes.enter("192.0.2.1".parse().unwrap()).await;
        assert!(other.is_some());
        turns.pop();
        assert!(handshakes.enter(greedy).await.is_some());
        drop((turns, other));
        assert!(handshakes.shares.is_untouched() && handshakes.free.available_permits() == MAX_HANDSHAKES);
    }

    #[tokio::test]
    async fn no_more_are_under_way_than_there_is_room_for() {
        let handshakes = Handshakes::new();
        let address = |n: usize| IpAddr::from([192, 0, 2, (n / MAX_OF_ONE_ADDRESS) as u8]);
        let mut turns = Vec::new();
        for n in 0..MAX_HANDSHAKES {
            turns.push(handshakes.enter(address(n)).await.unwrap());
        }
        let next = handshakes.enter("198.51.100.1".parse().unwrap());
        tokio::pin!(next);
        assert!(futures_util::poll!(&mut next).is_pending());
        turns.pop();
        assert!(next.await.is_some());
    }
}
