use std::sync::Arc;

use ingest::front::{Config, Listener, stand_by};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::client::{Client, Connect, V4, V5};
use super::ground::SECRET;

#[tokio::test]
async fn whoever_connects_to_a_standby_is_turned_away_and_the_silent_are_cut() {
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let listeners = Arc::new([Listener { socket, tls: None }]);
    let config = Config { max_unauthenticated: 1, connect_timeout_ms: 200, ..Config::default() };
    let stop = CancellationToken::new();
    let standing = {
        let (listeners, stop) = (listeners.clone(), stop.clone());
        tokio::spawn(async move { stand_by(&config, &*listeners, &stop).await })
    };
    // They take the one place in turn, and whoever comes next waits until both are cut.
    let (mut silent, mut mute) = (Client::dial(address, V4).await, Client::dial(address, V5).await);
    for (version, code) in [(V4, 3), (V5, 0x88), (3, 1), (6, 0x84)] {
        let mut client = Client::dial(address, version).await;
        assert_eq!(client.connect(&Connect::new(version, "bed-01", SECRET)).await, Some(code), "version {version}");
        assert_eq!(client.packet().await, None, "closed");
    }
    assert_eq!((silent.packet().await, mute.packet().await), (None, None));
    stop.cancel();
    standing.await.unwrap();
    let late = tokio::spawn(Client::dial(address, V4));
    listeners[0].socket.accept().await.expect("whoever serves next accepts");
    late.await.unwrap();
}
