//! Who must notice nothing, whatever is done to the server beside it.

use std::future::Future;

use super::client::{V5, publish};
use super::ground::Ground;

/// Messages that the neighbour has on their way at once.
const AT_ONCE: u16 = 8;
/// Fewer would prove little where the attack is short.
const AT_LEAST: i64 = 80;

/// `bed-02` publishes at QoS 1 as long as the attack lasts: each PUBACK comes, in order, on the one connection, and each
/// reading is in the table. The attack may use every other name.
pub(super) async fn beside(ground: &Ground, attack: impl Future<Output = ()>) {
    let mut neighbour = ground.client(V5, "bed-02").await;
    let (mut acknowledged, mut over) = (0_i64, false);
    let before = ground.rows("bed-02").await;
    let burst: Vec<u8> =
        (1..=AT_ONCE).flat_map(|pkid| publish(V5, "vigil/v1/bed-02/vitals", br#"{"hr":72}"#, pkid)).collect();
    tokio::pin!(attack);
    while !over || acknowledged < AT_LEAST {
        let served = acknowledged;
        let round = async {
            neighbour.send(&burst).await;
            for pkid in 1..=AT_ONCE {
                assert_eq!(neighbour.puback().await, (pkid, 0), "the neighbour is served, after {served}");
            }
        };
        tokio::pin!(round);
        // The round is never given up: the attack may end while it goes on.
        tokio::select! {
            () = &mut round => {}
            () = &mut attack, if !over => {
                over = true;
                round.await;
            }
        }
        acknowledged += i64::from(AT_ONCE);
    }
    neighbour.ping().await;
    assert_eq!(ground.rows("bed-02").await - before, acknowledged, "what was acknowledged is stored");
}
