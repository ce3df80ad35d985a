//! Bytes that are no MQTT, or no longer, or not yet.

use super::client::{Client, Connect, V4, V5, packet, publish, subscribe};
use super::ground::{Ground, SECRET};
use super::neighbour::beside;

const OWN: &str = "vigil/v1/bed-01/vitals";

/// A well-formed packet of each kind that a client sends once it is connected.
fn each(version: u8) -> Vec<Vec<u8>> {
    let properties: &[u8] = if version == V5 { b"\x00" } else { b"" };
    let unsubscribe = [b"\x00\x08", properties, b"\x00\x01a"].concat();
    let mut packets = vec![
        publish(version, OWN, br#"{"hr":72}"#, 0),
        publish(version, OWN, br#"{"hr":72}"#, 1),
        packet(0x40, b"\x00\x01"),
        subscribe(version, 7, &[("vigil/v1/bed-01/down/#", 1), ("#", 0)]),
        packet(0xA2, &unsubscribe),
        packet(0xC0, b""),
        packet(0xE0, b""),
    ];
    if version == V5 {
        packets.push(packet(0x40, b"\x00\x01\x00\x07\x26\x00\x01a\x00\x01b"));
        packets.push(packet(0xE0, b"\x04\x05\x11\x00\x00\x00\x00"));
        let with = b"\x00\x16vigil/v1/bed-01/vitals\x00\x01\x09\x03\x00\x01a\x02\x00\x00\x00\x01{}";
        packets.push(packet(0x32, with));
    }
    packets
}

/// The same for ever: xorshift.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed;
    std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    })
    .take(length)
    .collect()
}

/// By a device that is admitted, and gone afterwards.
async fn say(ground: &Ground, version: u8, bytes: &[u8]) {
    let mut client = ground.client(version, "bed-01").await;
    client.try_send(bytes).await;
    client.hang_up().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_hurts_nobody() {
    let ground = Ground::start().await;
    beside(&ground, async {
        let strangers = [
            &b"GET / HTTP/1.1\r\nHost: vigil\r\n\r\n"[..],
            b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00",
            &[0; 4_096],
            &[0xff; 4_096],
        ];
        for bytes in strangers {
            let mut client = Client::dial(ground.address, V5).await;
            client.try_send(bytes).await;
            assert_eq!(client.packet().await, None, "{bytes:x?}");
        }
        // Every first byte with bodies that begin like something, before CONNECT and behind it.
        let bodies = [&b""[..], b"\0", b"\0\x01", b"\0\x01\0", b"\0\x01\x7f\0\x02a", b"\0\x01\xff\xff\xff\xff\x01"];
        for first in 0..=u8::MAX {
            for body in bodies {
                let bytes = packet(first, body);
                Client::dial(ground.address, V5).await.try_send(&bytes).await;
                for version in [V4, V5] {
                    say(&ground, version, &bytes).await;
                }
            }
        }
        for seed in 1..=200 {
            let bytes = noise(seed, 64 + seed as usize * 8);
            Client::dial(ground.address, V5).await.try_send(&bytes).await;
            let version = if seed % 2 == 0 { V4 } else { V5 };
            say(&ground, version, &bytes).await;
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_packet_may_end_anywhere() {
    let ground = Ground::start().await;
    beside(&ground, async {
        for version in [V4, V5] {
            let will = Some(("vigil/v1/bed-01/status", &b"gone"[..]));
            let connect = Connect { will, ..Connect::new(version, "bed-01", SECRET) }.bytes();
            for cut in 1..connect.len() {
                Client::dial(ground.address, version).await.try_send(&connect[..cut]).await;
                // A length that tells less than there is.
                let mut short = connect.clone();
                short[1] = cut as u8;
                Client::dial(ground.address, version).await.try_send(&short).await;
            }
            for bytes in each(version) {
                for cut in 1..bytes.len() {
                    say(&ground, version, &bytes[..cut]).await;
                    let mut short = bytes.clone();
                    short[1] = (cut - 1) as u8;
                    say(&ground, version, &short).await;
                }
            }
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_bit_of_every_packet_may_be_wrong() {
    let ground = Ground::start().await;
    beside(&ground, async {
        for version in [V4, V5] {
            for bytes in each(version) {
                for place in 0..bytes.len().min(40) * 8 {
                    let mut broken = bytes.clone();
                    broken[place / 8] ^= 1 << (place % 8);
                    say(&ground, version, &broken).await;
                }
            }
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_large_is_refused_by_its_header() {
    let ground = Ground::start().await;
    beside(&ground, async {
        // The largest length that there is, and one byte above ours; nothing follows, and nothing is waited for.
        for length in [&[0xff, 0xff, 0xff, 0x7f][..], &[0x80, 0x80, 0x10], &[0xff, 0xff, 0x7f]] {
            for first in [0x30, 0x32, 0x82] {
                let mut client = ground.client(V5, "bed-01").await;
                client.send(&[&[first], length].concat()).await;
                assert_eq!(client.ended().await, Some(0x95), "{first:#x} {length:x?}");
            }
            let mut stranger = Client::dial(ground.address, V5).await;
            stranger.send(&[&[0x10], length].concat()).await;
            assert_eq!(stranger.packet().await, None);
        }
        // As much as is allowed, and a client that leaves before it is whole.
        for _ in 0..20 {
            let mut client = ground.client(V5, "bed-01").await;
            client.try_send(&publish(V5, OWN, &vec![b'['; 250_000], 1)[..249_000]).await;
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dribble_of_single_bytes_is_served_in_time_and_cut_beyond_it() {
    let ground = Ground::start_with(|config| config.front.connect_timeout_ms = 1_500, None).await;
    beside(&ground, async {
        for version in [V4, V5] {
            let mut slow = Client::dial(ground.address, version).await;
            let bytes = [Connect::new(version, "bed-01", SECRET).bytes(), each(version)[..2].concat()].concat();
            for byte in &bytes {
                slow.try_send(&[*byte]).await;
                tokio::task::yield_now().await;
            }
            assert_eq!(slow.packet().await.map(|(first, _)| first), Some(0x20));
            assert_eq!(slow.puback().await, (1, 0));
        }
        let connect = Connect::new(V5, "bed-01", SECRET).bytes();
        let mut dribbling = Client::dial(ground.address, V5).await;
        for byte in &connect[..20] {
            dribbling.try_send(&[*byte]).await;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_eq!(dribbling.packet().await, None, "a CONNECT has its time as a whole");
    })
    .await;
    ground.stopped().await;
}
