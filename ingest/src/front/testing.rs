//! For tests of those who must see the router die: what our checks keep from it, given to it past them.

use bytes::Bytes;
use rumqttd::local::{LinkBuilder, LinkError};
use rumqttd::protocol::{Disconnect, DisconnectReasonCode, Packet};

use super::down::{self, EVERY_COMMAND};

/// What a router as the front has it does not survive.
#[derive(Clone, Copy, Debug)]
pub enum Poison {
    /// A topic of which the first character is longer than a byte.
    Topic,
    /// `ready` for a link that has said goodbye.
    Ready,
}

/// Ends once the thread of the router has.
pub async fn poison_a_router(poison: Poison) -> Result<(), LinkError> {
    let builder = LinkBuilder::new("vigil:front", down::router().spawn());
    let (mut tx, mut rx, _) = builder.clean_session(true).dynamic_filters(false).topic_alias_max(0).build()?;
    tx.subscribe(EVERY_COMMAND)?;
    match poison {
        Poison::Topic => drop(tx.publish("é", Bytes::from_static(b"letter"))?),
        Poison::Ready => {
            let goodbye = Disconnect { reason_code: DisconnectReasonCode::NormalDisconnection };
            tx.send(Packet::Disconnect(goodbye, None)).await?;
            rx.ready()?;
        }
    }
    // The router drops its ends of all links when it goes.
    while rx.recv().is_ok() {}
    Ok(())
}
