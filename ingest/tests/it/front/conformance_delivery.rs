//! What the server sends to those that subscribed (§3.3, §4.3–§4.9).

use super::client::{Client, Connect, Received, V4, V5, packet, string};
use super::ground::{Ground, SECRET, enrol};

const OWN: &str = "vigil/v1/bed-01/down/x";

/// A PUBLISH of MQTT 5, at QoS 1 and with identifier 1 or at QoS 0.
fn publish(topic: &str, qos: u8, properties: &[u8], payload: &[u8]) -> Vec<u8> {
    let mut body = string(topic.as_bytes());
    if qos > 0 {
        body.extend([0, 1]);
    }
    body.push(properties.len() as u8);
    packet(0x30 | qos << 1, &[&body, properties, payload].concat())
}

fn subscribe(filter: &str, options: u8) -> Vec<u8> {
    packet(0x82, &[b"\x00\x07\x00", &string(filter.as_bytes())[..], &[options]].concat())
}

/// Connects with MQTT 5 and these properties.
async fn with_properties(ground: &Ground, name: &str, properties: &[u8]) -> Client {
    let mut bytes = Connect::new(V5, name, SECRET).bytes();
    // Behind protocol, level, flags and keep-alive stands the length of the properties.
    bytes[12] = properties.len() as u8;
    bytes.splice(13..13, properties.iter().copied());
    bytes[1] += properties.len() as u8;
    let mut client = Client::dial(ground.address, V5).await;
    client.send(&bytes).await;
    assert_eq!(client.packet().await.map(|(first, body)| (first, body[1])), Some((0x20, 0)));
    client
}

async fn acknowledge(client: &mut Client, received: &Received) {
    client.send(&packet(0x40, &received.pkid.to_be_bytes())).await;
}

#[tokio::test]
async fn nobody_gets_more_than_the_qos_of_the_publication_or_than_it_was_granted() {
    let ground = Ground::start().await;
    let mut desk = ground.client(V5, "desk").await;
    for version in [V4, V5] {
        let mut bed = ground.client(version, "bed-01").await;
        for asked in 0..=2 {
            assert_eq!(bed.subscribe(&[(OWN, asked)]).await, [asked.min(1)], "2 is granted 1");
            for published in 0..=1 {
                desk.send(&publish(OWN, published, &[], b"{}")).await;
                if published == 1 {
                    assert_eq!(desk.puback().await, (1, 0));
                }
                let received = bed.received().await;
                assert_eq!(received.qos, asked.min(published), "asked {asked}, published {published}");
                assert!(!received.retain);
                if received.qos == 1 {
                    assert_ne!(received.pkid, 0);
                    acknowledge(&mut bed, &received).await;
                }
            }
        }
    }
    ground.stopped().await;
}

#[tokio::test]
async fn overlapping_subscriptions_bring_one_command_at_the_highest_qos() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V5, "bed-01").await;
    let filters = [("vigil/v1/bed-01/down/#", 0), (OWN, 1), ("vigil/v1/bed-01/down/+", 0)];
    assert_eq!(bed.subscribe(&filters).await, [0, 1, 0]);
    let mut desk = ground.client(V5, "desk").await;
    desk.send(&publish(OWN, 1, &[], b"once")).await;
    assert_eq!(desk.puback().await, (1, 0));
    let received = bed.received().await;
    assert_eq!((received.qos, &received.payload[..]), (1, &b"once"[..]));
    acknowledge(&mut bed, &received).await;
    // The same filter again replaces the subscription.
    assert_eq!(bed.subscribe(&[(OWN, 0)]).await, [0]);
    desk.send(&publish(OWN, 1, &[], b"twice")).await;
    assert_eq!(bed.received().await.qos, 0);
    bed.ping().await;
    ground.stopped().await;
}

#[tokio::test]
async fn a_command_keeps_its_properties_for_mqtt_5_and_loses_them_for_3_1_1() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V5, "bed-01").await;
    let mut old = ground.client(V4, "bed-02").await;
    bed.send(&subscribe(OWN, 1)).await;
    bed.packet().await;
    old.subscribe(&[("vigil/v1/bed-02/down/x", 1)]).await;
    let mut desk = ground.client(V5, "desk").await;
    // Format, content type, response topic, correlation data, and user properties in their order; an expiry of a day.
    let properties =
        b"\x01\x01\x03\0\x04text\x08\0\x01r\x09\0\x02\0\xff\x26\0\x01b\0\x01c\x26\0\x01a\0\x01b\x26\0\x01b\0\x01c";
    let expiry = b"\x02\x00\x01\x51\x80";
    for properties in [&properties[..], &[properties, &expiry[..]].concat(), &[&expiry[..], properties].concat(), &[]] {
        desk.send(&publish(OWN, 0, properties, b"payload")).await;
        let (first, body) = bed.packet().await.expect("the command");
        let expected = publish(OWN, 0, properties, b"payload");
        assert_eq!((first, &body[..]), (0x30, &expected[2..]), "unaltered");
        desk.send(&publish("vigil/v1/bed-02/down/x", 0, properties, b"payload")).await;
        assert_eq!(old.received().await.payload, b"payload");
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_command_that_waited_too_long_is_not_sent_and_another_says_what_is_left() {
    let ground = Ground::start().await;
    // One in flight at a time.
    let mut bed = with_properties(&ground, "bed-01", b"\x21\x00\x01").await;
    bed.send(&subscribe(OWN, 1)).await;
    bed.packet().await;
    let mut desk = ground.client(V5, "desk").await;
    for (expiry, payload) in [(100, b"a"), (1, b"b"), (100, b"c")] {
        desk.send(&publish(OWN, 1, &[2, 0, 0, 0, expiry], payload)).await;
        assert_eq!(desk.puback().await, (1, 0));
    }
    let (_, body) = bed.packet().await.expect("the first");
    let rest = |body: &[u8]| body[2 + OWN.len()..].to_vec();
    assert_eq!(rest(&body), b"\x00\x01\x05\x02\x00\x00\x00\x64a");
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    bed.send(b"\x40\x02\x00\x01").await;
    let (_, body) = bed.packet().await.expect("the third");
    let third = rest(&body);
    assert_eq!((third.len(), third[8]), (9, b'c'), "the second has expired");
    assert!((50..100).contains(&third[7]), "what is left of 100 s: {}", third[7]);
    ground.stopped().await;
}

#[tokio::test]
async fn a_client_gets_no_packet_larger_and_no_more_at_once_than_it_takes() {
    let ground = Ground::start().await;
    let mut bed = with_properties(&ground, "bed-01", b"\x27\x00\x00\x00\x50\x21\x00\x02\x22\x00\x0a").await;
    bed.send(&subscribe(OWN, 1)).await;
    bed.packet().await;
    let mut desk = ground.client(V5, "desk").await;
    let mut command = async |qos, payload: &[u8]| {
        desk.send(&publish(OWN, qos, &[], payload)).await;
        if qos == 1 {
            assert_eq!(desk.puback().await, (1, 0));
        }
    };
    command(1, &[b'x'; 60]).await;
    for payload in [b"1", b"2", b"3"] {
        command(1, payload).await;
    }
    let first = bed.received().await;
    let second = bed.received().await;
    assert_eq!((&first.payload[..], &second.payload[..]), (&b"1"[..], &b"2"[..]), "what is too large is passed over");
    assert_ne!(first.pkid, second.pkid);
    // Two are in flight: the third waits, and everything else is answered.
    bed.ping().await;
    acknowledge(&mut bed, &second).await;
    let third = bed.received().await;
    assert_eq!(third.payload, b"3");
    assert_ne!(third.pkid, first.pkid, "an identifier in flight is not given out again");
    ground.stopped().await;
}

#[tokio::test]
async fn a_topic_alias_is_never_sent_and_each_status_has_its_own_topic() {
    let ground = Ground::start().await;
    // Stock rumqttd sent one device's status under another's topic to such a client (reference: bug 8).
    let mut desk = with_properties(&ground, "desk", b"\x22\x00\xff").await;
    desk.send(&subscribe("vigil/v1/+/status", 0)).await;
    desk.packet().await;
    for name in ["bed-01", "bed-02", "bed-01", "bed-02"] {
        let mut bed = ground.client(V5, name).await;
        bed.publish(&format!("vigil/v1/{name}/status"), name.as_bytes(), 1).await;
        assert_eq!(bed.puback().await, (1, 0));
        let received = desk.received().await;
        assert_eq!((received.topic, received.payload), (format!("vigil/v1/{name}/status"), name.as_bytes().to_vec()));
    }
    ground.stopped().await;
}

#[tokio::test]
async fn retain_handling_and_retain_as_published_do_what_they_say() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V5, "bed-01").await;
    let mut status = async |payload: &[u8]| {
        bed.publish("vigil/v1/bed-01/status", payload, 1).await;
        assert_eq!(bed.puback().await, (1, 0));
    };
    status(b"kept").await;
    let mut desk = ground.client(V5, "desk").await;
    let again = async |desk: &mut Client, options: u8, replayed: bool, filter: &str| {
        desk.send(&subscribe(filter, options)).await;
        assert_eq!(desk.packet().await.map(|(first, _)| first), Some(0x90));
        if replayed {
            let received = desk.received().await;
            assert_eq!((received.retain, &received.payload[..]), (true, &b"kept"[..]), "options {options:#x}");
        }
        desk.ping().await;
    };
    let (every, one) = ("vigil/v1/+/status", "vigil/v1/bed-01/status");
    again(&mut desk, 0x20, false, every).await;
    again(&mut desk, 0x10, false, every).await;
    again(&mut desk, 0x00, true, every).await;
    again(&mut desk, 0x00, true, every).await;
    again(&mut desk, 0x10, true, one).await;
    again(&mut desk, 0x10, false, one).await;
    // As published: a status is always a retained message.
    for (options, retain) in [(0x20, false), (0x28, true)] {
        let mut desk = ground.client(V5, "desk").await;
        again(&mut desk, options, false, every).await;
        status(b"news").await;
        let received = desk.received().await;
        assert_eq!((received.retain, &received.payload[..]), (retain, &b"news"[..]));
    }
    ground.stopped().await;
}

#[tokio::test]
async fn an_empty_status_removes_the_one_that_was_kept() {
    let ground = Ground::start().await;
    enrol(&ground.database, "watching", vitals::DeviceKind::Service, None).await;
    let mut bed = ground.client(V4, "bed-01").await;
    let mut watching = ground.client(V5, "watching").await;
    watching.subscribe(&[("vigil/v1/+/status", 0)]).await;
    for (pkid, payload) in [(1, &b"kept"[..]), (2, b"")] {
        bed.publish("vigil/v1/bed-01/status", payload, pkid).await;
        assert_eq!(bed.puback().await, (pkid, 0));
        assert_eq!(watching.received().await.payload, payload, "whoever is there is told");
    }
    let mut desk = ground.client(V4, "desk").await;
    assert_eq!(desk.subscribe(&[("vigil/v1/+/status", 1)]).await, [1]);
    desk.ping().await;
    let database = ground.stopped().await;
    let again = Ground::on(database, |_| {}, None).await;
    let mut desk = again.client(V4, "desk").await;
    assert_eq!(desk.subscribe(&[("vigil/v1/+/status", 1)]).await, [1]);
    desk.ping().await;
    again.stopped().await;
}

#[tokio::test]
async fn commands_come_in_the_order_in_which_they_were_given() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V4, "bed-01").await;
    bed.subscribe(&[("vigil/v1/bed-01/down/#", 1)]).await;
    let mut desk = ground.client(V5, "desk").await;
    for number in 0..200_u16 {
        desk.publish(&format!("vigil/v1/bed-01/down/{}", number % 7), &number.to_be_bytes(), 1).await;
        assert_eq!(desk.puback().await, (1, 0));
        if number >= 15 {
            let received = bed.received().await;
            assert_eq!(received.payload, (number - 15).to_be_bytes());
            acknowledge(&mut bed, &received).await;
        }
    }
    ground.stopped().await;
}
