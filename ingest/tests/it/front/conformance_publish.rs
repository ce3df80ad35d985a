//! PUBLISH of a client (§3.3), packet by packet.

use super::client::{Client, V4, V5, packet, publish, string};
use super::ground::Ground;

const OWN: &str = "vigil/v1/bed-01/vitals";
const FRAME: &[u8] = br#"{"hr":72}"#;

/// With these flags, this topic as it is, and these properties for MQTT 5. Identifier 9 above QoS 0.
fn with(version: u8, flags: u8, topic: &[u8], properties: &[u8]) -> Vec<u8> {
    let mut body = string(topic);
    if flags & 6 != 0 {
        body.extend([0, 9]);
    }
    if version == V5 {
        body.push(properties.len() as u8);
        body.extend(properties);
    }
    body.extend(FRAME);
    packet(0x30 | flags, &body)
}

/// None: acknowledged where it is at QoS 1, and the connection lives. Some: ended, MQTT 5 with this code.
async fn check(ground: &Ground, version: u8, bytes: &[u8], code: Option<u8>) {
    let mut client = ground.client(version, "bed-01").await;
    client.send(bytes).await;
    match code {
        None => {
            if bytes[0] & 6 != 0 {
                assert_eq!(client.puback().await, (9, 0), "version {version}: {bytes:x?}");
            }
            client.ping().await;
        }
        Some(code) => {
            let code = (version == V5).then_some(code);
            assert_eq!(client.ended().await, code, "version {version}: {bytes:x?}");
        }
    }
}

#[tokio::test]
async fn the_flags_of_a_publish_mean_what_they_say() {
    let ground = Ground::start().await;
    for version in [V4, V5] {
        for (flags, code) in [
            (0x00, None),
            (0x01, None),
            (0x02, None),
            (0x03, None),
            (0x0A, None),
            (0x0B, None),
            (0x08, Some(0x81)),
            (0x09, Some(0x81)),
            (0x04, Some(0x9B)),
            (0x05, Some(0x9B)),
            (0x0C, Some(0x9B)),
            (0x06, Some(0x81)),
            (0x0E, Some(0x81)),
        ] {
            check(&ground, version, &with(version, flags, OWN.as_bytes(), &[]), code).await;
        }
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_topic_that_is_none_ends_the_connection() {
    let ground = Ground::start().await;
    for version in [V4, V5] {
        for (topic, code) in [
            (&b""[..], 0x82),
            (b"#", 0x81),
            (b"+", 0x81),
            (b"vigil/v1/+/vitals", 0x81),
            (b"vigil/v1/bed-01/#", 0x81),
            (b"vigil/v1/bed-01/vitals\x00", 0x81),
            (b"\x00", 0x81),
            (b"vigil/v1/bed-01/\xff", 0x81),
            (b"\xed\xa0\x80", 0x81),
            (b"a\x01", 0x81),
            (b"a\x7f", 0x81),
            (b"a\xc2\x80", 0x81),
        ] {
            for flags in [0, 2] {
                check(&ground, version, &with(version, flags, topic, &[]), Some(code)).await;
            }
        }
        // Well-formed and not ours: refused where there is a word for it, closed elsewhere.
        for topic in ["é", "𪛔", "$SYS/broker/load", "vigil/v1/bed-01/vitals/", "VIGIL/v1/bed-01/vitals", "/", " "] {
            check(&ground, version, &with(version, 0, topic.as_bytes(), &[]), Some(0x87)).await;
        }
    }
    let mut client = ground.client(V5, "bed-01").await;
    for topic in ["é", "$SYS/broker/load", "vigil/v1/bed-01/Vitals"] {
        client.send(&with(V5, 2, topic.as_bytes(), &[])).await;
        assert_eq!(client.puback().await, (9, 0x87), "{topic}");
    }
    client.ping().await;
    ground.stopped().await;
}

#[tokio::test]
async fn a_publish_that_breaks_the_form_ends_the_connection() {
    let ground = Ground::start().await;
    for (bytes, v4, v5) in [
        (&b"\x30\x00"[..], 0x81, 0x81),
        (b"\x30\x01\x00", 0x81, 0x81),
        (b"\x30\x02\x00\x05", 0x81, 0x81),
        (b"\x30\x03\x00\x01a", 0x87, 0x81),
        (b"\x32\x03\x00\x01a", 0x81, 0x81),
        (b"\x32\x04\x00\x01a\x00", 0x81, 0x81),
        (b"\x32\x06\x00\x01a\x00\x00\x00", 0x82, 0x82),
        (b"\x32\x05\x00\x01a\x00\x01", 0x87, 0x81),
    ] {
        check(&ground, V4, bytes, Some(v4)).await;
        check(&ground, V5, bytes, Some(v5)).await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn the_properties_of_a_publish_are_checked_and_taken() {
    let ground = Ground::start().await;
    for (properties, code) in [
        (&b"\x01\x00"[..], None),
        (b"\x01\x01", None),
        (b"\x02\x00\x00\x00\x00", None),
        (b"\x02\xff\xff\xff\xff", None),
        (b"\x03\x00\x10application/json", None),
        (b"\x03\x00\x1fapplication/json; charset=utf-8", None),
        (b"\x08\x00\x01r\x09\x00\x02\x00\xff", None),
        (b"\x26\x00\x01a\x00\x01b\x26\x00\x01a\x00\x01b", None),
        (b"\x01\x02", Some(0x82)),
        (b"\x01\x01\x01\x01", Some(0x82)),
        (b"\x08\x00\x01#", Some(0x82)),
        (b"\x08\x00\x00", Some(0x82)),
        (b"\x0b\x01", Some(0x82)),
        (b"\x23\x00\x00", Some(0x94)),
        (b"\x23\x00\x01", Some(0x94)),
        (b"\x23\xff\xff", Some(0x94)),
        (b"\x11\x00\x00\x00\x01", Some(0x81)),
        (b"\x1f\x00\x01a", Some(0x81)),
        (b"\x24\x01", Some(0x81)),
        (b"\x80\x01", Some(0x81)),
        (b"\x26\x00\x01\x00\x00\x01b", Some(0x81)),
        (b"\x02\x00\x00", Some(0x81)),
    ] {
        for flags in [0, 2] {
            check(&ground, V5, &with(V5, flags, OWN.as_bytes(), properties), code).await;
        }
    }
    // An alias of a topic that was never named.
    check(&ground, V5, &with(V5, 2, b"", b"\x23\x00\x01"), Some(0x94)).await;
    // Properties that end where no packet does.
    for length in [&b"\x7f"[..], b"\xff\xff\xff\xff\x01", b"\x81\x00", b"\x80"] {
        let body = [&string(OWN.as_bytes())[..], &[0, 9], length].concat();
        check(&ground, V5, &packet(0x32, &body), Some(0x81)).await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn what_is_not_json_is_kept_and_acknowledged() {
    let ground = Ground::start().await;
    let mut client = ground.client(V5, "bed-01").await;
    client.send(&with(V5, 2, OWN.as_bytes(), b"\x03\x00\x10application/cbor")).await;
    assert_eq!(client.puback().await, (9, 0));
    assert_eq!(ground.rows("bed-01").await, 0);
    let pool = ground.database.pool().get().await.unwrap();
    let reason: String = pool.query_one("SELECT reason FROM quarantine", &[]).await.unwrap().get(0);
    assert_eq!(reason, "unsupported");
    ground.stopped().await;
}

#[tokio::test]
async fn an_identifier_in_use_is_taken_again_and_stored_once() {
    let ground = Ground::start().await;
    let now = vitals::Clock::system().now().millis();
    let frame = format!(r#"{{"t":{},"hr":72}}"#, now + 1_000);
    for version in [V4, V5] {
        let mut client = ground.client(version, "bed-01").await;
        let once = publish(version, OWN, frame.as_bytes(), 7);
        let mut again = once.clone();
        again[0] |= 0x08;
        client.send(&[once, again.clone()].concat()).await;
        assert_eq!((client.puback().await, client.puback().await), ((7, 0), (7, 0)));
        client.send(&again).await;
        assert_eq!(client.puback().await, (7, 0), "after its PUBACK it is a new message, DUP or not");
        client.publish(OWN, br#"{"hr":72}"#, u16::MAX).await;
        assert_eq!(client.puback().await, (u16::MAX, 0));
    }
    assert_eq!(ground.rows("bed-01").await, 3, "one, and two without a time");
    ground.stopped().await;
}

#[tokio::test]
async fn more_than_the_receive_maximum_ends_the_connection_where_it_was_told() {
    let ground = Ground::start_with(|config| config.window = 3, None).await;
    let blocked = ground.database.pool().get().await.unwrap();
    blocked.batch_execute("BEGIN; LOCK TABLE vitals IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let burst =
        |version, count: u16| (1..=count).flat_map(|pkid| publish(version, OWN, FRAME, pkid)).collect::<Vec<_>>();
    let mut client = ground.client(V5, "bed-01").await;
    client.send(&burst(V5, 4)).await;
    assert_eq!(client.ended().await, Some(0x93));
    // At QoS 0 there is no such bound: it is not read any further, and nothing is lost.
    let mut unacknowledged = ground.client(V5, "bed-02").await;
    let flood = (0..8).flat_map(|_| publish(V5, "vigil/v1/bed-02/vitals", FRAME, 0)).collect::<Vec<_>>();
    unacknowledged.send(&[flood, vec![0xC0, 0]].concat()).await;
    let mut old = ground.client(V4, "bed-01").await;
    old.send(&burst(V4, 8)).await;
    blocked.batch_execute("COMMIT").await.unwrap();
    assert_eq!(unacknowledged.packet().await, Some((0xD0, Vec::new())));
    for pkid in 1..=8 {
        assert_eq!(old.puback().await, (pkid, 0));
    }
    // Three at once, again and again, is what was agreed.
    let mut client = ground.client(V5, "bed-01").await;
    for _ in 0..20 {
        client.send(&burst(V5, 3)).await;
        for pkid in 1..=3 {
            assert_eq!(client.puback().await, (pkid, 0));
        }
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_packet_is_as_large_as_it_may_be_and_no_larger() {
    let ground = Ground::start_with(|config| config.front.max_packet_bytes = 1_024, None).await;
    let of = |version, size: usize| {
        let header = publish(version, OWN, &[b' '; 500], 1).len() - 500;
        publish(version, OWN, &vec![b' '; size - header], 1)
    };
    for version in [V4, V5] {
        let fits = of(version, 1_024);
        assert_eq!(fits.len(), 1_024);
        let mut client = ground.client(version, "bed-01").await;
        client.send(&fits).await;
        assert_eq!(client.puback().await, (1, 0));
        client.send(&of(version, 1_025)[..4]).await;
        assert_eq!(client.ended().await, (version == V5).then_some(0x95), "told by its header alone");
    }
    // Before CONNECT no more than a CONNECT may be.
    let mut stranger = Client::dial(ground.address, V5).await;
    stranger.send(&[0x10, 0xff, 0xff, 0x7f]).await;
    assert_eq!(stranger.packet().await, None);
    ground.stopped().await;
}
