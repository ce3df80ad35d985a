//! SUBSCRIBE, UNSUBSCRIBE and their answers (§3.8–§3.11), packet by packet.

use super::client::{V4, V5, packet, string};
use super::ground::Ground;

const OWN: &[u8] = b"vigil/v1/bed-01/down/#";

fn subscribe(version: u8, properties: &[u8], filters: &[(&[u8], u8)]) -> Vec<u8> {
    let mut body = b"\x12\x34".to_vec();
    if version == V5 {
        body.push(properties.len() as u8);
        body.extend(properties);
    }
    for (filter, options) in filters {
        body.extend(string(filter));
        body.push(*options);
    }
    packet(0x82, &body)
}

fn unsubscribe(version: u8, properties: &[u8], filters: &[&[u8]]) -> Vec<u8> {
    let mut body = b"\x12\x34".to_vec();
    if version == V5 {
        body.push(properties.len() as u8);
        body.extend(properties);
    }
    body.extend(filters.iter().flat_map(|filter| string(filter)));
    packet(0xA2, &body)
}

/// The codes of the SUBACK or UNSUBACK, or the end.
async fn check(ground: &Ground, version: u8, bytes: &[u8], expected: Result<&[u8], u8>) {
    let mut client = ground.client(version, "bed-01").await;
    client.send(bytes).await;
    match expected {
        Err(code) => {
            let code = (version == V5).then_some(code);
            assert_eq!(client.ended().await, code, "version {version}: {bytes:x?}");
        }
        Ok(codes) => {
            let (first, body) = client.packet().await.expect("an answer");
            assert_eq!(first, if bytes[0] == 0x82 { 0x90 } else { 0xB0 });
            let expected = match (version, first) {
                (V5, _) => [&[0x12, 0x34, 0], codes].concat(),
                (_, 0x90) => [&[0x12, 0x34], codes].concat(),
                _ => vec![0x12, 0x34],
            };
            assert_eq!(body, expected, "version {version}: {bytes:x?}");
            client.ping().await;
        }
    }
}

#[tokio::test]
async fn the_options_of_a_subscription_are_read_bit_by_bit() {
    let ground = Ground::start().await;
    for options in 0..=u8::MAX {
        let qos = options & 3;
        let granted = [qos.min(1)];
        let v4 = if options > 2 { Err(0x81) } else { Ok(&granted[..]) };
        // Reserved bits, QoS 3 and Retain Handling 3; No Local and Retain As Published are free.
        let v5 = match options {
            _ if options & 0xC0 != 0 || qos == 3 => Err(0x81),
            _ if options & 0x30 == 0x30 => Err(0x82),
            _ => Ok(&granted[..]),
        };
        check(&ground, V4, &subscribe(V4, &[], &[(OWN, options)]), v4).await;
        check(&ground, V5, &subscribe(V5, &[], &[(OWN, options)]), v5).await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn each_filter_has_its_code_in_its_place() {
    let ground = Ground::start().await;
    let filters: [(&[u8], u8); 12] = [
        (OWN, 0),
        (b"#", 0),
        (OWN, 1),
        (b"vigil/v1/bed-01/down/#/x", 1),
        (b"vigil/v1/bed-01/down/x#", 1),
        (b"vigil/v1/bed-01/down/x+", 1),
        (b"vigil/v1/bed-01/down/+/x", 2),
        ("vigil/v1/bed-01/down/µ".as_bytes(), 1),
        (b"$share/g/vigil/v1/bed-01/down/#", 1),
        (b"$SYS/#", 1),
        (b"vigil/v1/bed-01/vitals", 1),
        (b"vigil/v1/bed-01/down", 1),
    ];
    let codes = [0, 0x87, 1, 0x8F, 0x8F, 0x8F, 1, 0x8F, 0x9E, 0x87, 0x87, 0x87];
    check(&ground, V5, &subscribe(V5, &[], &filters), Ok(&codes)).await;
    let old = codes.map(|code| code.min(0x80));
    check(&ground, V4, &subscribe(V4, &[], &filters), Ok(&old)).await;
    ground.stopped().await;
}

#[tokio::test]
async fn a_subscribe_that_breaks_the_form_ends_the_connection() {
    let ground = Ground::start().await;
    for version in [V4, V5] {
        let none: &[u8] = if version == V5 { b"\x00" } else { b"" };
        for (first, make) in [(0x82, subscribe(version, &[], &[(OWN, 0)])), (0xA2, unsubscribe(version, &[], &[OWN]))] {
            for flags in (0..16).filter(|flags| *flags != 2) {
                let mut bytes = make.clone();
                bytes[0] = first & 0xF0 | flags;
                check(&ground, version, &bytes, Err(0x81)).await;
            }
            check(&ground, version, &packet(first, &[]), Err(0x81)).await;
            check(&ground, version, &packet(first, &[0x12]), Err(0x81)).await;
            check(&ground, version, &packet(first, &[b"\x12\x34", none].concat()), Err(0x82)).await;
            check(&ground, version, &packet(first, &[b"\x12\x34", none, b"\x00"].concat()), Err(0x81)).await;
            check(&ground, version, &packet(first, &[b"\x12\x34", none, b"\x00\x05a"].concat()), Err(0x81)).await;
            let mut zero = make.clone();
            zero[2..4].copy_from_slice(&[0, 0]);
            check(&ground, version, &zero, Err(0x82)).await;
        }
        for filter in [&b""[..], b"a\x00", b"\xff", b"\xed\xa0\x80", b"a\x1f"] {
            check(&ground, version, &subscribe(version, &[], &[(OWN, 0), (filter, 0)]), Err(0x81)).await;
            check(&ground, version, &unsubscribe(version, &[], &[OWN, filter]), Err(0x81)).await;
        }
        let many = vec![(OWN, 0); 33];
        check(&ground, version, &subscribe(version, &[], &many[..32]), Ok(&[0; 32])).await;
        check(&ground, version, &subscribe(version, &[], &many), Err(0x97)).await;
    }
    ground.stopped().await;
}

#[tokio::test]
async fn the_properties_of_a_subscribe_are_checked() {
    let ground = Ground::start().await;
    for (properties, expected) in [
        (&b"\x26\x00\x01a\x00\x01b"[..], Ok(&[0][..])),
        // Subscription Identifiers are not offered.
        (b"\x0b\x01", Ok(&[0xA1])),
        (b"\x0b\xff\xff\xff\x7f", Ok(&[0xA1])),
        (b"\x0b\x00", Err(0x82)),
        (b"\x0b\x01\x0b\x02", Err(0x82)),
        (b"\x0b\xff\xff\xff\xff\x7f", Err(0x81)),
        (b"\x0b\x80\x00", Err(0x81)),
        (b"\x1f\x00\x01a", Err(0x81)),
        (b"\x23\x00\x01", Err(0x81)),
    ] {
        check(&ground, V5, &subscribe(V5, properties, &[(OWN, 0)]), expected).await;
    }
    check(&ground, V5, &subscribe(V5, &[], &[(b"$share/g/a", 4)]), Err(0x82)).await;
    check(&ground, V5, &unsubscribe(V5, b"\x26\x00\x01a\x00\x01b", &[OWN]), Ok(&[0x11])).await;
    check(&ground, V5, &unsubscribe(V5, b"\x0b\x01", &[OWN]), Err(0x81)).await;
    ground.stopped().await;
}

#[tokio::test]
async fn an_unsubscribe_is_answered_whether_or_not_there_was_something() {
    let ground = Ground::start().await;
    for version in [V4, V5] {
        check(&ground, version, &unsubscribe(version, &[], &[OWN, b"#"]), Ok(&[0x11, 0x11])).await;
        let mut bed = ground.client(version, "bed-01").await;
        assert_eq!(bed.subscribe(&[("vigil/v1/bed-01/down/a", 0), ("vigil/v1/bed-01/down/b", 0)]).await, [0, 0]);
        // Filters are compared character by character: one that would match is not the one.
        let filters = [&b"vigil/v1/bed-01/down/a"[..], b"vigil/v1/bed-01/down/+", OWN];
        bed.send(&unsubscribe(version, &[], &filters)).await;
        let codes = if version == V5 { &b"\x12\x34\x00\x00\x11\x11"[..] } else { b"\x12\x34" };
        assert_eq!(bed.packet().await, Some((0xB0, codes.to_vec())));
        let mut desk = ground.client(V5, "desk").await;
        for tail in ["a", "b"] {
            desk.publish(&format!("vigil/v1/bed-01/down/{tail}"), b"{}", 1).await;
            assert_eq!(desk.puback().await, (1, 0));
        }
        assert_eq!(bed.received().await.topic, "vigil/v1/bed-01/down/b", "what it unsubscribed does not come");
    }
    ground.stopped().await;
}
