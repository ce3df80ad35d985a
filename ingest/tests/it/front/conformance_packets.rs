//! The packets that carry nothing, and those that only a server sends (§3.4–§3.7, §3.12–§3.15), byte by byte.

use super::client::{Client, Connect, V4, V5, packet};
use super::ground::{Ground, SECRET};

/// What comes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    Lives,
    /// Closed; MQTT 5 is told this code first.
    Ends(u8),
    /// The client has left, and nothing is said.
    Left,
}
use Then::{Ends, Left, Lives};

async fn check(ground: &Ground, version: u8, bytes: &[u8], then: Then) {
    let mut client = ground.client(version, "bed-01").await;
    client.send(bytes).await;
    match then {
        Lives => client.ping().await,
        Left => assert_eq!(client.ended().await, None, "version {version}: {bytes:x?}"),
        Ends(code) => {
            let code = (version == V5).then_some(code);
            assert_eq!(client.ended().await, code, "version {version}: {bytes:x?}");
        }
    }
}

#[tokio::test]
async fn a_puback_is_read_whole_and_one_for_nothing_means_nothing() {
    let ground = Ground::start().await;
    for (bytes, v4, v5) in [
        (&b"\x40\x02\x12\x34"[..], Lives, Lives),
        (b"\x40\x03\x12\x34\x00", Ends(0x81), Lives),
        (b"\x40\x03\x12\x34\x10", Ends(0x81), Lives),
        (b"\x40\x03\x12\x34\x87", Ends(0x81), Lives),
        (b"\x40\x04\x12\x34\x00\x00", Ends(0x81), Lives),
        (b"\x40\x08\x12\x34\x00\x04\x1f\x00\x01a", Ends(0x81), Lives),
        (b"\x40\x03\x12\x34\x01", Ends(0x81), Ends(0x82)),
        (b"\x40\x03\x12\x34\xff", Ends(0x81), Ends(0x82)),
        (b"\x40\x02\x00\x00", Ends(0x82), Ends(0x82)),
        (b"\x40\x00", Ends(0x81), Ends(0x81)),
        (b"\x40\x01\x12", Ends(0x81), Ends(0x81)),
        (b"\x40\x05\x12\x34\x00\x00\x00", Ends(0x81), Ends(0x81)),
        (b"\x40\x05\x12\x34\x00\x01\x1f", Ends(0x81), Ends(0x81)),
        (b"\x40\x07\x12\x34\x00\x03\x21\x00\x01", Ends(0x81), Ends(0x81)),
        (b"\x41\x02\x12\x34", Ends(0x81), Ends(0x81)),
        (b"\x42\x02\x12\x34", Ends(0x81), Ends(0x81)),
    ] {
        check(&ground, V4, bytes, v4).await;
        check(&ground, V5, bytes, v5).await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_ping_is_answered_and_has_no_body() {
    let ground = Ground::start().await;
    for version in [V4, V5] {
        check(&ground, version, b"\xc0\x00", Lives).await;
        check(&ground, version, b"\xc0\x01\x00", Ends(0x81)).await;
        for flags in 1..16 {
            check(&ground, version, &[0xC0 | flags, 0], Ends(0x81)).await;
        }
    }
    // A length in more bytes than it needs: MQTT 5 forbids it, 3.1.1 says nothing.
    check(&ground, V4, b"\xc0\x80\x00", Lives).await;
    check(&ground, V5, b"\xc0\x80\x00", Ends(0x81)).await;
    for version in [V4, V5] {
        check(&ground, version, b"\xc0\xff\xff\xff\xff\x01", Ends(0x81)).await;
        check(&ground, version, b"\xc0\xff\xff\xff\x7f", Ends(0x95)).await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn what_only_a_server_sends_is_a_protocol_error() {
    let ground = Ground::start().await;
    for version in [V4, V5] {
        // CONNACK, SUBACK, UNSUBACK, PINGRESP; the three of QoS 2, which is granted to nobody; AUTH; the forbidden zero.
        for first in [0x20, 0x90, 0xB0, 0xD0, 0x50, 0x62, 0x70, 0xF0, 0x00] {
            for body in [&b""[..], b"\x00\x01", b"\x00\x01\x00", b"\x00\x01\x00\x00", b"\xff\xff\xff"] {
                check(&ground, version, &packet(first, body), Ends(0x82)).await;
            }
        }
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_goodbye_is_read_whole() {
    let ground = Ground::start().await;
    for (bytes, v4, v5) in [
        (&b"\xe0\x00"[..], Left, Left),
        (b"\xe0\x01\x00", Ends(0x81), Left),
        (b"\xe0\x02\x00\x00", Ends(0x81), Left),
        (b"\xe0\x07\x00\x05\x11\x00\x00\x00\x00", Ends(0x81), Left),
        (b"\xe0\x06\x00\x04\x1f\x00\x01a", Ends(0x81), Left),
        (b"\xe0\x09\x00\x07\x26\x00\x01a\x00\x01b", Ends(0x81), Left),
        (b"\xe0\x01\x04", Ends(0x81), Left),
        (b"\xe0\x01\x98", Ends(0x81), Left),
        // No session was asked for, so none can be kept.
        (b"\xe0\x07\x00\x05\x11\x00\x00\x00\x01", Ends(0x81), Ends(0x82)),
        (b"\xe0\x01\x01", Ends(0x81), Ends(0x82)),
        (b"\xe0\x01\x8e", Ends(0x81), Ends(0x82)),
        (b"\xe0\x0c\x00\x0a\x11\x00\x00\x00\x00\x11\x00\x00\x00\x00", Ends(0x81), Ends(0x82)),
        (b"\xe0\x03\x00\x01\x1f", Ends(0x81), Ends(0x81)),
        (b"\xe0\x06\x00\x04\x1c\x00\x01a", Ends(0x81), Ends(0x81)),
        (b"\xe0\x03\x00\x00\x00", Ends(0x81), Ends(0x81)),
        (b"\xe1\x00", Ends(0x81), Ends(0x81)),
        (b"\xe2\x00", Ends(0x81), Ends(0x81)),
        (b"\xe8\x00", Ends(0x81), Ends(0x81)),
    ] {
        check(&ground, V4, bytes, v4).await;
        check(&ground, V5, bytes, v5).await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_goodbye_says_whether_the_will_is_void() {
    let ground = Ground::start().await;
    let mut desk = ground.client(V5, "desk").await;
    desk.subscribe(&[("vigil/v1/+/status", 1)]).await;
    for (version, goodbye, said) in [
        (V4, &b"\xe0\x00"[..], false),
        (V5, b"\xe0\x00", false),
        (V5, b"\xe0\x01\x00", false),
        (V5, b"\xe0\x01\x04", true),
        (V5, b"\xe0\x01\x80", true),
        (V5, b"\xe0\x01\x01", true),
        (V4, b"\xe1\x00", true),
        (V4, b"\xe0\x01\x00", true),
    ] {
        let will = Some(("vigil/v1/bed-01/status", &b"gone"[..]));
        let mut bed = Client::dial(ground.address, version).await;
        assert_eq!(bed.connect(&Connect { will, ..Connect::new(version, "bed-01", SECRET) }).await, Some(0));
        bed.send(goodbye).await;
        bed.ended().await;
        if said {
            assert_eq!(next(&mut desk).await, b"gone", "version {version}: {goodbye:x?}");
        }
        let mut bed = ground.client(version, "bed-01").await;
        bed.publish("vigil/v1/bed-01/status", b"back", 1).await;
        assert_eq!(next(&mut desk).await, b"back", "version {version}: {goodbye:x?}");
    }
    ground.stopped().await;
}

/// The next status, acknowledged.
async fn next(desk: &mut Client) -> Vec<u8> {
    let received = desk.received().await;
    assert_eq!(received.qos, 1);
    desk.send(&packet(0x40, &received.pkid.to_be_bytes())).await;
    received.payload
}
