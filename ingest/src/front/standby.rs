//! A node that stands by: whoever connects is told that another one serves, under the bounds that the front has.

use bytes::BytesMut;
use futures_util::future::join_all;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::places::Places;
use super::{Config, Listener, accept, handshake, open};

/// Answers every CONNECT with 3 (3.1.1) or 0x88 (5.0) until `stop`. Afterwards the listeners are free for `ingest::run`;
/// clients that are still silent then have their time to speak, and the same answer.
pub async fn stand_by(config: &Config, listeners: &[Listener], stop: &CancellationToken) {
    let (places, patience) = (Places::new(config.max_unauthenticated), config.connect_timeout());
    let accepting = listeners.iter().map(|Listener { socket, tls }| {
        accept(socket, &places, stop, |client, place| {
            let tls = tls.clone();
            tokio::spawn(async move {
                tokio::select! {
                    biased;
                    turned = timeout(patience, turn_away(client, tls)) => if turned.is_err() {
                        metrics::counter!("vigil_mqtt_not_admitted_total").increment(1);
                    },
                    () = place.displaced() => {}
                }
            });
        })
    });
    join_all(accepting).await;
}

async fn turn_away(client: TcpStream, tls: Option<TlsAcceptor>) {
    let Some(mut socket) = open(client, tls).await else { return };
    handshake::turn_away(&mut socket, &mut BytesMut::with_capacity(1024)).await;
}
