//! Connections without end, or without anything in them.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::client::{Client, Connect, PATIENCE, V4, V5};
use super::ground::{Ground, SECRET};
use super::neighbour::beside;
use super::tls::Authority;

/// More than may be unauthenticated at once.
const STRANGERS: usize = 1_000;
/// More than have a place, and fewer than wait in the kernel's queue: it drops nobody, however slow the machine is.
const PERSISTENT: usize = 900;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_unfinished_handshakes_keep_nobody_out() {
    let authority = Authority::new();
    let ground = Ground::start_with(|config| config.front.connect_timeout_ms = 1_000, Some(authority.acceptor())).await;
    let client_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let half_a_connect = b"\x10\x20\x00\x04MQTT";
    for (address, begun) in [(ground.address, &half_a_connect[..]), (ground.tls_address, client_hello)] {
        beside(&ground, async {
            let mut strangers = Vec::with_capacity(STRANGERS);
            for number in 0..STRANGERS {
                let mut stranger = TcpStream::connect(address).await.unwrap();
                // Silent, half open, or in the middle of it.
                match number % 3 {
                    0 => {}
                    1 => stranger.shutdown().await.unwrap(),
                    _ => stranger.write_all(begun).await.unwrap(),
                }
                strangers.push(stranger);
            }
            // Behind all of them, on either door.
            for version in [V4, V5] {
                let mut bed = Client::dial(ground.address, version).await;
                assert_eq!(bed.connect(&Connect::new(version, "bed-01", SECRET)).await, Some(0));
                let mut bed = authority.dial(&ground, version, None).await;
                assert_eq!(bed.connect(&Connect::new(version, "bed-01", SECRET)).await, Some(0));
                bed.ping().await;
            }
            // Each of them is closed, and nothing of it is left.
            for mut stranger in strangers {
                let ended = tokio::time::timeout(PATIENCE, stranger.read_to_end(&mut Vec::new())).await;
                drop(ended.expect("an end"));
            }
        })
        .await;
    }
    ground.stopped().await;
}

/// From an address of its own, which is as much of this machine as any other.
async fn from_elsewhere(to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    socket.connect(to).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_of_one_address_that_come_again_and_again_keep_no_other_address_out() {
    // As shipped: each may be silent for five seconds, and there are places for 512.
    let ground = Ground::start().await;
    beside(&ground, async {
        let mut strangers = JoinSet::new();
        let mut there = Vec::with_capacity(PERSISTENT);
        for _ in 0..PERSISTENT {
            there.push(from_elsewhere(ground.address).await);
        }
        for mut stranger in there {
            let address = ground.address;
            strangers.spawn(async move {
                loop {
                    drop(stranger.read_to_end(&mut Vec::new()).await);
                    stranger = from_elsewhere(address).await;
                }
            });
        }
        // Each is behind hundreds of them. If all of those had their time, each would wait for about four seconds.
        let devices = async {
            for version in [V4, V5].repeat(5) {
                let mut bed = Client::dial(ground.address, version).await;
                assert_eq!(bed.connect(&Connect::new(version, "bed-01", SECRET)).await, Some(0));
            }
        };
        timeout(PATIENCE, devices).await.expect("admitted while the strangers stay");
        strangers.shutdown().await;
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_behind_one_address_is_queued_and_not_refused() {
    let ground = Ground::start_with(|config| config.front.max_unauthenticated = 8, None).await;
    beside(&ground, async {
        let mut crowd = JoinSet::new();
        for number in 0..STRANGERS {
            let (address, version) = (ground.address, if number % 2 == 0 { V4 } else { V5 });
            crowd.spawn(async move {
                let mut client = Client::over(from_elsewhere(address).await, version);
                (version, client.connect(&Connect::new(version, "bed-01", "guess")).await)
            });
        }
        while let Some(answered) = crowd.join_next().await {
            let (version, code) = answered.unwrap();
            assert_eq!(code, Some(if version == V5 { 0x86 } else { 4 }), "everybody has an answer of its own");
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_takeovers_is_its_own_affair() {
    let ground = Ground::start().await;
    beside(&ground, async {
        for round in 0..200 {
            let version = if round % 2 == 0 { V4 } else { V5 };
            let mut client = Client::dial(ground.address, version).await;
            client.try_send(&Connect::new(version, "bed-01", SECRET).bytes()).await;
            if round % 3 == 0 {
                client.packet().await;
            }
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_bound_of_connections_is_named_and_leaves_no_trace() {
    let ground = Ground::start_with(|config| config.front.max_connections = 2, None).await;
    beside(&ground, async {
        // Stock rumqttd's listener was dead for good after one refusal and a second try (reference: bug 5).
        let mut first = ground.client(V5, "bed-01").await;
        for _ in 0..50 {
            for (version, full) in [(V4, 3), (V5, 0x97)] {
                let code =
                    Client::dial(ground.address, version).await.connect(&Connect::new(version, "gw", SECRET)).await;
                assert_eq!(code, Some(full));
            }
        }
        first.send(&[0xE0, 0]).await;
        assert_eq!(first.ended().await, None);
        drop(first);
        let begin = std::time::Instant::now();
        while Client::dial(ground.address, V4).await.connect(&Connect::new(V4, "gw", SECRET)).await != Some(0) {
            assert!(begin.elapsed() < PATIENCE, "the place of the one that left is free");
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn any_keep_alive_may_be_asked_for_and_mqtt_5_is_told_the_longest() {
    let ground = Ground::start_with(|config| config.front.max_keep_alive_s = 1, None).await;
    beside(&ground, async {
        for (keep_alive_s, told) in [(0, true), (1, false), (2, true), (65_535, true)] {
            let mut client = Client::dial(ground.address, V5).await;
            client.send(&Connect { keep_alive_s, ..Connect::new(V5, "bed-01", SECRET) }.bytes()).await;
            let (_, body) = client.packet().await.expect("a CONNACK");
            assert_eq!(body.windows(3).any(|window| window == [0x13, 0, 1]), told, "{keep_alive_s}");
            if keep_alive_s == 65_535 {
                assert_eq!(client.ended().await, Some(0x8D), "what was told holds");
            }
        }
        // 3.1.1 cannot be told: none at all is ours all the same.
        let mut client = Client::dial(ground.address, V4).await;
        let connect = Connect { keep_alive_s: 0, ..Connect::new(V4, "bed-01", SECRET) };
        assert_eq!(client.connect(&connect).await, Some(0));
        assert_eq!(client.ended().await, None);
    })
    .await;
    ground.stopped().await;
}
