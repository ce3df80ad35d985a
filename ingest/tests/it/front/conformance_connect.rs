//! CONNECT and CONNACK (§3.1, §3.2), packet by packet.

use super::client::{Client, Connect, V4, V5, packet, publish, string};
use super::ground::{Ground, SECRET};

const WILL: &str = "vigil/v1/bed-01/status";

/// What the server answers: the code of its CONNACK, or an end without a word.
type Answer = Option<u8>;

fn connect(version: u8, flags: u8, properties: &[u8], fields: &[&[u8]]) -> Vec<u8> {
    let mut body = [b"\x00\x04MQTT", &[version, flags, 0, 60][..]].concat();
    if version == V5 {
        body.push(properties.len() as u8);
        body.extend(properties);
    }
    body.extend(fields.iter().flat_map(|field| string(field)));
    packet(0x10, &body)
}

/// With a will where the flags have one.
fn with(version: u8, flags: u8, properties: &[u8]) -> Vec<u8> {
    let mut fields = vec![&b"bed-01"[..]];
    if flags & 0x04 != 0 {
        fields.extend([WILL.as_bytes(), b"gone"]);
    }
    if flags & 0x80 != 0 {
        fields.push(b"bed-01");
    }
    if flags & 0x40 != 0 {
        fields.push(SECRET.as_bytes());
    }
    let mut bytes = connect(version, flags, properties, &fields);
    if version == V5 && flags & 0x04 != 0 {
        // No will properties: a zero before the topic.
        let at = bytes.windows(WILL.len()).position(|window| window == WILL.as_bytes()).unwrap() - 2;
        bytes.insert(at, 0);
        bytes[1] += 1;
    }
    bytes
}

async fn answer(ground: &Ground, version: u8, bytes: &[u8]) -> Answer {
    let mut client = Client::dial(ground.address, version).await;
    client.send(bytes).await;
    let (first, body) = client.packet().await?;
    assert_eq!((first, body[0]), (0x20, 0), "CONNACK, session_present 0: {body:x?}");
    match body[1] {
        0 => {
            if version == V5 {
                // What is always said, and then Receive Maximum and Maximum Packet Size: no more, whatever was asked for.
                let always = [0x11, 0, 0, 0, 0, 0x24, 1, 0x25, 1, 0x22, 0, 0, 0x28, 1, 0x29, 0, 0x2A, 0, 0x21];
                assert_eq!((&body[3..22], body.len()), (&always[..], 29), "{body:x?}");
            }
            client.ping().await;
        }
        code => {
            assert_eq!(body.len(), if version == V5 { 3 } else { 2 });
            assert_eq!(client.packet().await, None, "closed after {code:#x}");
        }
    }
    Some(body[1])
}

#[tokio::test]
async fn every_legal_connect_is_admitted() {
    let ground = Ground::start().await;
    // Clean session or not, will at QoS 0 and 1, retained or not; 3.1.1 was not told of a Maximum QoS.
    for flags in [0xC0, 0xC2, 0xC6, 0xC4, 0xCE, 0xE6, 0xEE] {
        assert_eq!(answer(&ground, V4, &with(V4, flags, &[])).await, Some(0), "{flags:#x}");
        assert_eq!(answer(&ground, V5, &with(V5, flags, &[])).await, Some(0), "{flags:#x}");
    }
    assert_eq!(answer(&ground, V4, &with(V4, 0xD6, &[])).await, Some(0));
    assert_eq!(answer(&ground, V5, &with(V5, 0xD6, &[])).await, Some(0x9B), "a will at QoS 2");
    assert_eq!(answer(&ground, V5, &with(V5, 0x42, &[])).await, Some(0), "a password without a user name");
    for properties in [
        &b"\x11\xff\xff\xff\xff"[..],
        b"\x21\x00\x01\x27\x00\x00\x00\x40\x22\x00\x0a",
        b"\x17\x00\x19\x01",
        b"\x26\x00\x01a\x00\x01b\x26\x00\x01a\x00\x01b",
    ] {
        assert_eq!(answer(&ground, V5, &with(V5, 0xC2, properties)).await, Some(0), "{properties:x?}");
    }
    // Each will property once, at its longest way: delay, format, expiry, content type, response topic, correlation data, user.
    let will = b"\x2a\x18\0\0\0\x05\x01\x01\x02\0\0\0\x05\x03\0\x04text\x08\0\x01r\x09\0\x02\0\xff\x26\0\x01a\0\x01b\x26\0\x01a\0\x01b";
    let mut body = b"\x00\x04MQTT\x05\xce\x00\x3c\x00\x00\x06bed-01".to_vec();
    body.extend(will);
    body.extend([string(WILL.as_bytes()), string(b"gone"), string(b"bed-01"), string(SECRET.as_bytes())].concat());
    assert_eq!(answer(&ground, V5, &packet(0x10, &body)).await, Some(0));
    ground.stopped().await;
}

#[tokio::test]
async fn a_connect_that_breaks_the_form_is_not_admitted() {
    let ground = Ground::start().await;
    let secret = SECRET.as_bytes();
    let bad_names = [&b"bed\x0001"[..], b"bed-\xed\xa0\x80", b"bed-\xff", b"bed-\x01", b"bed\xc2\x9f"];
    for version in [V4, V5] {
        let malformed = (version == V5).then_some(0x81);
        let refused = async |what: &str, bytes: &[u8]| {
            assert_eq!(answer(&ground, version, bytes).await, malformed, "version {version}: {what}");
        };
        refused("the reserved flag", &with(version, 0xC3, &[])).await;
        refused("a will QoS without a will", &with(version, 0xCA, &[])).await;
        refused("a will retain without a will", &with(version, 0xE2, &[])).await;
        refused("a will at QoS 3", &with(version, 0xDE, &[])).await;
        refused("no client id", &connect(version, 0x02, &[], &[])).await;
        refused("a user name that is not there", &connect(version, 0x82, &[], &[b"bed-01"])).await;
        refused("a password that is not there", &connect(version, 0xC2, &[], &[b"bed-01", b"bed-01"])).await;
        refused("a will that is not there", &connect(version, 0x06, &[], &[b"bed-01"])).await;
        refused("a user name too many", &connect(version, 0x02, &[], &[b"bed-01", b"bed-01"])).await;
        refused("a password too many", &connect(version, 0x82, &[], &[b"bed-01", b"bed-01", secret])).await;
        for name in bad_names {
            refused("client id", &connect(version, 0xC2, &[], &[name, b"bed-01", secret])).await;
            refused("user name", &connect(version, 0xC2, &[], &[b"bed-01", name, secret])).await;
            let mut will = with(version, 0xC6, &[]);
            let at = will.windows(WILL.len()).position(|window| window == WILL.as_bytes()).unwrap();
            will[at..at + name.len()].copy_from_slice(name);
            refused("will topic", &will).await;
        }
    }
    assert_eq!(answer(&ground, V4, &with(V4, 0x42, &[])).await, None, "3.1.1: a password without a user name");
    let binary = connect(V4, 0xC2, &[], &[b"bed-01", b"bed-01", b"\x00\xff"]);
    assert_eq!(answer(&ground, V4, &binary).await, Some(4), "a password is any bytes");
    for (protocol, level, code) in [
        (&b"MQTU"[..], 4, None),
        (b"MQT", 4, None),
        (b"", 4, None),
        (b"mqtt", 5, None),
        (b"MQIsdp", 3, Some(1)),
        (b"MQTT", 3, Some(1)),
    ] {
        let body = [&string(protocol)[..], &[level, 2, 0, 60], &string(b"bed-01")].concat();
        assert_eq!(answer(&ground, V4, &packet(0x10, &body)).await, code, "{protocol:?} {level}");
    }
    ground.stopped().await;
}

#[tokio::test]
async fn each_wrong_property_of_connect_has_its_code() {
    let ground = Ground::start().await;
    for (properties, code) in [
        (&b"\x21\x00\x00"[..], Some(0x82)),
        (b"\x27\x00\x00\x00\x00", Some(0x82)),
        (b"\x17\x02", Some(0x82)),
        (b"\x19\x02", Some(0x82)),
        (b"\x11\x00\x00\x00\x01\x11\x00\x00\x00\x01", Some(0x82)),
        (b"\x16\x00\x01a", Some(0x82)),
        (b"\x15\x00\x06scram1", Some(0x8C)),
        (b"\x18\x00\x00\x00\x01", Some(0x81)),
        (b"\x23\x00\x01", Some(0x81)),
        (b"\x00", Some(0x81)),
        (b"\x26\x00\x01a", Some(0x81)),
        (b"\x27\x00\x00\x00\x3f", Some(0x95)),
        (b"\x27\x00\x00\x00\x04", None),
    ] {
        assert_eq!(answer(&ground, V5, &with(V5, 0xC2, properties)).await, code, "{properties:x?}");
    }
    ground.stopped().await;
}

#[tokio::test]
async fn the_first_packet_is_connect_and_the_only_one() {
    let ground = Ground::start().await;
    let kinds = (0_u8..16).filter(|kind| *kind != 1);
    for first in kinds.flat_map(|kind| [kind << 4, kind << 4 | 2]) {
        for body in [&b""[..], b"\x00\x01", b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x06bed-01"] {
            let mut client = Client::dial(ground.address, V5).await;
            client.send(&packet(first, body)).await;
            assert_eq!(client.packet().await, None, "{first:#x} {body:?}");
        }
    }
    for flags in 1..16 {
        let mut bytes = with(V5, 0xC2, &[]);
        bytes[0] |= flags;
        assert_eq!(answer(&ground, V5, &bytes).await, None, "flags of the header {flags:#x}");
    }
    for version in [V4, V5] {
        let mut client = ground.client(version, "bed-01").await;
        client.send(&with(version, 0xC2, &[])).await;
        assert_eq!(client.ended().await, (version == V5).then_some(0x82), "a second CONNECT");
    }
    ground.stopped().await;
}

#[tokio::test]
async fn what_follows_connect_at_once_is_taken_if_it_is_admitted_and_only_then() {
    let ground = Ground::start().await;
    for (version, secret, admitted) in
        [(V4, SECRET, true), (V5, SECRET, true), (V4, "guess", false), (V5, "guess", false)]
    {
        let mut client = Client::dial(ground.address, version).await;
        let mut bytes = Connect::new(version, "bed-01", secret).bytes();
        bytes.extend(publish(version, "vigil/v1/bed-01/vitals", br#"{"hr":72}"#, 1));
        client.send(&bytes).await;
        let (first, _) = client.packet().await.expect("a CONNACK");
        assert_eq!(first, 0x20);
        if admitted {
            assert_eq!(client.puback().await, (1, 0));
            client.send(&[0xE0, 0]).await;
        }
        assert_eq!(client.packet().await, None);
    }
    assert_eq!(ground.rows("bed-01").await, 2, "those of the two that were admitted");
    ground.stopped().await;
}

#[tokio::test]
async fn a_part_of_a_packet_keeps_nobody_alive() {
    let ground = Ground::start().await;
    let connect = Connect { keep_alive_s: 1, ..Connect::new(V5, "bed-01", SECRET) };
    let mut alive = Client::dial(ground.address, V5).await;
    assert_eq!(
        alive.connect(&Connect { client_id: "bed-02", login: Some(("bed-02", SECRET)), ..connect }).await,
        Some(0)
    );
    let mut dribbling = Client::dial(ground.address, V5).await;
    let connect = Connect { keep_alive_s: 1, ..Connect::new(V5, "bed-01", SECRET) };
    assert_eq!(dribbling.connect(&connect).await, Some(0));
    // A PUBLISH of 100 bytes, one of them a third of a second; beside it a client that pings as slowly.
    let mut bytes = publish(V5, "vigil/v1/bed-01/vitals", &[b' '; 100], 1).into_iter();
    for _ in 0..9 {
        dribbling.try_send(&[bytes.next().unwrap()]).await;
        alive.ping().await;
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    }
    assert_eq!(dribbling.ended().await, Some(0x8D));
    alive.ping().await;
    ground.stopped().await;
}
