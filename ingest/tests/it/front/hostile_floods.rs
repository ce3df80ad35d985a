//! Too much of what is allowed, and peers that do not read.

use tokio::io::AsyncReadExt;
use tokio::net::TcpSocket;

use super::client::{Client, Connect, PATIENCE, V4, V5, packet, publish, string};
use super::ground::{Ground, SECRET};
use super::neighbour::beside;
use super::tls::Authority;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_tiny_packets_are_answered_a_read_at_a_time() {
    let authority = Authority::new();
    let ground = Ground::start_with(|_| {}, Some(authority.acceptor())).await;
    beside(&ground, async {
        for (version, tls) in [(V4, false), (V5, true)] {
            let mut client = match tls {
                false => Client::dial(ground.address, version).await,
                true => authority.dial(&ground, version, None).await,
            };
            assert_eq!(client.connect(&Connect::new(version, "bed-01", SECRET)).await, Some(0));
            // In one write, so that records are full of them; each answer is counted.
            let (mut reader, mut writer) = client.split();
            let pings = [0xC0, 0].repeat(100_000);
            let sending = tokio::spawn(async move {
                tokio::io::AsyncWriteExt::write_all(&mut writer, &pings).await.unwrap();
                writer
            });
            let mut answers = vec![0; 200_000];
            tokio::time::timeout(PATIENCE, reader.read_exact(&mut answers)).await.expect("every answer").unwrap();
            assert!(answers.chunks(2).all(|answer| answer == [0xD0, 0]));
            sending.await.unwrap();
            // The smallest PUBLISH that is one's own; QoS 0 waits for nobody, and is bounded by the window.
            let mut client = ground.client(version, "bed-01").await;
            let flood = publish(version, "vigil/v1/bed-01/vitals", b"", 0).repeat(5_000);
            assert!(client.floods(&flood).await);
            client.ping().await;
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_no_answer_is_cut_and_holds_no_more_than_its_buffers() {
    let ground = Ground::start_with(|config| config.front.write_timeout_ms = 500, None).await;
    beside(&ground, async {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4_096).unwrap();
        let mut deaf = Client::over(socket.connect(ground.address).await.unwrap(), V4);
        assert_eq!(deaf.connect(&Connect::new(V4, "bed-01", SECRET)).await, Some(0));
        let flood = [0xC0, 0].repeat(16 * 1024);
        // Far more than the buffers of both sockets hold.
        let (mut sent, bound) = (0, 64 * 1024 * 1024);
        while sent < bound && deaf.floods(&flood).await {
            sent += flood.len();
        }
        assert!(sent < bound, "answers were written to nobody");
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_never_reads_its_pubacks_is_held_by_its_window() {
    let ground = Ground::start().await;
    beside(&ground, async {
        let count = 10_000_u16;
        let readings = |version| -> Vec<u8> {
            (1..=count).flat_map(|pkid| publish(version, "vigil/v1/bed-01/vitals", br#"{"hr":72}"#, pkid)).collect()
        };
        // 3.1.1 waits on its socket, and finds each PUBACK in its place when it reads at last.
        let mut deaf = ground.client(V4, "bed-01").await;
        assert!(deaf.floods(&readings(V4)).await);
        for pkid in 1..=count {
            assert_eq!(deaf.puback().await, (pkid, 0));
        }
        assert_eq!(ground.rows("bed-01").await, i64::from(count));
        // MQTT 5 was told how many it may send.
        let mut deaf = ground.client(V5, "bed-01").await;
        deaf.floods(&readings(V5)).await;
        loop {
            match deaf.packet().await.expect("a reason") {
                (0x40, _) => {}
                (first, body) => break assert_eq!((first, &body[..]), (0xE0, &[0x93][..])),
            }
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_status_that_changes_thousands_of_times_costs_its_readers_the_last_one() {
    let ground = Ground::start_with(|config| config.front.write_timeout_ms = 500, None).await;
    let mut desk = ground.client(V5, "desk").await;
    desk.subscribe(&[("vigil/v1/+/status", 0)]).await;
    super::ground::enrol(&ground.database, "deaf", vitals::DeviceKind::Service, None).await;
    let mut deaf = ground.client(V4, "deaf").await;
    deaf.subscribe(&[("vigil/v1/+/status", 1)]).await;
    beside(&ground, async {
        let mut bed = ground.client(V5, "bed-01").await;
        let payload = |number: usize| format!("{number:0>2000}");
        for first in (0..2_000).step_by(50) {
            let burst: Vec<u8> = (first..first + 50)
                .flat_map(|number| {
                    publish(V5, "vigil/v1/bed-01/status", payload(number).as_bytes(), number as u16 % 50 + 1)
                })
                .collect();
            bed.send(&burst).await;
            for _ in 0..50 {
                assert_eq!(bed.puback().await.1, 0);
            }
        }
        loop {
            let received = desk.received().await;
            assert_eq!(received.topic, "vigil/v1/bed-01/status");
            if received.payload == payload(1_999).into_bytes() {
                break;
            }
        }
        // Retained on what is not one's own: refused like any other.
        let mut foreign = publish(V5, "vigil/v1/bed-02/status", b"forged", 1);
        foreign[0] |= 1;
        for _ in 0..200 {
            bed.send(&foreign).await;
            assert_eq!(bed.puback().await, (1, 0x87));
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_subscriptions_ends_at_its_bound() {
    let ground = Ground::start().await;
    beside(&ground, async {
        for version in [V4, V5] {
            let (refused, mut granted) = (if version == V5 { 0x97 } else { 0x80 }, 0);
            let mut bed = ground.client(version, "bed-01").await;
            for number in 0..5_000 {
                let filter = format!("vigil/v1/bed-01/down/{number}/#");
                match bed.subscribe(&[(&filter, 1)]).await[..] {
                    [1] => granted += 1,
                    [code] => assert_eq!(code, refused),
                    _ => panic!("one code for one filter"),
                }
            }
            assert_eq!(granted, 16);
            // Taken and given back again and again, with every status sent anew each time.
            let mut desk = ground.client(version, "desk").await;
            let properties: &[u8] = if version == V5 { b"\x00" } else { b"" };
            let body = [b"\x00\x08", properties, &string(b"vigil/v1/+/status")].concat();
            for _ in 0..500 {
                desk.subscribe(&[("vigil/v1/+/status", 1)]).await;
                desk.send(&packet(0xA2, &body)).await;
                assert_eq!(desk.packet().await.map(|(first, _)| first), Some(0xB0));
            }
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn topics_without_end_and_a_subscriber_that_leaves_in_the_burst_do_not_hurt_the_bus() {
    let ground = Ground::start().await;
    beside(&ground, async {
        // Stock rumqttd kept each topic for ever, and died of a subscriber that left under load (reference: bugs 14 and 2).
        let mut desk = ground.client(V5, "desk").await;
        for round in 0..100_u16 {
            let mut bed = ground.client(if round % 2 == 0 { V4 } else { V5 }, "bed-01").await;
            bed.subscribe(&[("vigil/v1/bed-01/down/#", u8::from(round % 3 == 0))]).await;
            let burst: Vec<u8> = (1..=50)
                .flat_map(|pkid| publish(V5, &format!("vigil/v1/bed-01/down/{round}/{pkid}"), b"{}", pkid))
                .collect();
            desk.send(&burst).await;
            for pkid in 1..=50 {
                let (acknowledged, code) = desk.puback().await;
                assert_eq!(acknowledged, pkid);
                assert!([0, 0x97].contains(&code), "taken, or told to come again: {code:#x}");
            }
            match round % 4 {
                0 => bed.try_send(&[0xE0, 0]).await,
                1 => drop(bed),
                _ => assert_eq!(bed.received().await.payload, b"{}"),
            }
        }
        // One that is too large to wait anywhere.
        desk.publish("vigil/v1/bed-01/down/last", &[b'x'; 64 * 1024 + 1], 1).await;
        assert_eq!(desk.puback().await, (1, 0x97));
        let mut bed = ground.client(V5, "bed-01").await;
        bed.subscribe(&[("vigil/v1/bed-01/down/last", 0)]).await;
        desk.publish("vigil/v1/bed-01/down/last", b"{}", 1).await;
        assert_eq!(desk.puback().await, (1, 0));
        assert_eq!(bed.received().await.topic, "vigil/v1/bed-01/down/last");
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_never_reads_is_cut() {
    let ground = Ground::start_with(|config| config.front.write_timeout_ms = 500, None).await;
    let mut deaf = ground.client(V4, "bed-01").await;
    deaf.subscribe(&[("vigil/v1/bed-01/down/#", 0)]).await;
    beside(&ground, async {
        let mut desk = ground.client(V5, "desk").await;
        // Each fills its socket a little more; once it is cut, its name is nobody's.
        let command = publish(V5, "vigil/v1/bed-01/down/x", &[b'x'; 60_000], 1);
        let there = || ground.presence.lock().iter().filter(|(_, there)| *there).count();
        let gone = || ground.presence.lock().iter().filter(|(_, there)| !*there).count();
        let begin = std::time::Instant::now();
        while gone() == 0 {
            assert!(begin.elapsed() < PATIENCE, "it was never cut: {} there", there());
            desk.send(&command).await;
            desk.puback().await;
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tens_of_thousands_of_readings_that_differ_hold_up_nobody_and_are_all_kept() {
    // One for both, so that the neighbour waits for the same transactions.
    let ground = Ground::start_with(|config| config.writers = 1, None).await;
    // As many as fit into a packet of 256 KiB: 256 keys of a frame.
    let (frames, keys) = (143_i64, 256_i64);
    let start = vitals::Clock::system().now().millis();
    let readings = |value: u8| {
        let frame = |number: i64| {
            let keys = (0..keys).map(|key| format!(",\"{}{}\":{value}", letter(key / 16), letter(key % 16)));
            format!("{{\"t\":{}{}}}", start + number, keys.collect::<String>())
        };
        format!("[{}]", (0..frames).map(frame).collect::<Vec<_>>().join(","))
    };
    beside(&ground, async {
        let mut bed = ground.client(V5, "bed-01").await;
        for (pkid, value) in [(1, 1), (2, 2), (3, 2)] {
            bed.publish("vigil/v1/bed-01/vitals", readings(value).as_bytes(), pkid).await;
            assert_eq!(bed.puback().await, (pkid, 0));
        }
    })
    .await;
    let rows = ground.quarantined().await;
    assert!(rows.len() < 200, "{} rows", rows.len());
    let mut kept = std::collections::BTreeSet::new();
    for row in rows {
        let frames: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_slice(&row).unwrap();
        for frame in frames {
            let (code, value) = frame.iter().find(|(key, _)| *key != "t").unwrap();
            assert_eq!(value.as_f64(), Some(2.0));
            kept.insert((frame["t"].as_str().unwrap().to_owned(), code.clone()));
        }
    }
    assert_eq!(kept.len() as i64, frames * keys);
    ground.stopped().await;
}

/// One of sixteen letters of which no pair is the code of a parameter, or a key of the format.
fn letter(number: i64) -> char {
    char::from(b'A' + number as u8)
}
