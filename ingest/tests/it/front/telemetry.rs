use super::client::{Client, Connect, V4, V5, packet, publish, string};
use super::ground::{Ground, SECRET};

fn frame(second: i64) -> Vec<u8> {
    // A little ahead: not before the enrolment a moment ago, and within the two minutes that a clock may run fast.
    let now = vitals::Clock::system().now().millis();
    format!(r#"{{"t":{},"hr":72,"spo2":97}}"#, now + second * 1_000).into_bytes()
}

#[tokio::test]
async fn an_acknowledged_reading_is_in_the_table() {
    let ground = Ground::start().await;
    for (version, name) in [(V4, "bed-01"), (V5, "bed-02")] {
        let mut client = ground.client(version, name).await;
        let topic = format!("vigil/v1/{name}/vitals");
        let burst: Vec<u8> =
            (1..=20).flat_map(|pkid| publish(version, &topic, &frame(i64::from(pkid)), pkid)).collect();
        client.send(&burst).await;
        for pkid in 1..=20 {
            assert_eq!(client.puback().await, (pkid, 0), "in order");
        }
        client.publish(&topic, &frame(21), 0).await;
        client.publish(&topic, &frame(22), 22).await;
        assert_eq!(client.puback().await, (22, 0));
        assert_eq!(ground.rows(name).await, 22, "one of them at QoS 0");
        client.send(&[0xE0, 0]).await;
        assert_eq!(client.ended().await, None);
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_packet_split_anywhere_is_the_same_packet() {
    let ground = Ground::start().await;
    let mut client = ground.client(V5, "bed-01").await;
    let bytes = publish(V5, "vigil/v1/bed-01/vitals", &frame(1), 1);
    for half in bytes.chunks(3) {
        client.send(half).await;
        client_yield().await;
    }
    assert_eq!(client.puback().await, (1, 0));
    ground.stopped().await;
}

/// Lets the server read what was written so far.
async fn client_yield() {
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_foreign_topic_is_refused_in_order_and_closed_where_there_is_no_word() {
    let ground = Ground::start().await;
    let mut client = ground.client(V5, "bed-01").await;
    let own = "vigil/v1/bed-01/vitals";
    let mut burst = Vec::new();
    for (pkid, topic) in
        [(1, own), (2, "vigil/v1/bed-02/vitals"), (3, own), (4, "other"), (5, "vigil/v1/bed-01/down/x")]
    {
        burst.extend(publish(V5, topic, &frame(i64::from(pkid)), pkid));
    }
    client.send(&burst).await;
    for expected in [(1, 0), (2, 0x87), (3, 0), (4, 0x87), (5, 0x87)] {
        assert_eq!(client.puback().await, expected);
    }
    client.publish("vigil/v1/bed-02/vitals", &frame(9), 0).await;
    assert_eq!(client.ended().await, Some(0x87));
    for topic in ["vigil/v1/bed-02/vitals", "é", "vigil/v1/+/vitals", "$SYS/x", ""] {
        let mut client = ground.client(V4, "bed-01").await;
        client.publish(topic, &frame(1), 1).await;
        assert_eq!(client.ended().await, None, "{topic}");
    }
    assert_eq!((ground.rows("bed-01").await, ground.rows("bed-02").await), (2, 0));
    ground.stopped().await;
}

#[tokio::test]
async fn a_gateway_speaks_for_its_own_devices_only() {
    let ground = Ground::start().await;
    let mut gateway = ground.client(V5, "gw").await;
    for (pkid, topic, code) in [
        (1, "vigil/v1/gw/relay/pump/vitals", 0),
        (2, "vigil/v1/gw/relay/bed-01/vitals", 0x87),
        (3, "vigil/v1/pump/vitals", 0x87),
        (4, "vigil/v1/gw/vitals", 0),
    ] {
        gateway.publish(topic, &frame(i64::from(pkid)), pkid).await;
        assert_eq!(gateway.puback().await, (pkid, code), "{topic}");
    }
    let mut bed = ground.client(V5, "bed-01").await;
    bed.publish("vigil/v1/bed-01/relay/pump/vitals", &frame(1), 1).await;
    assert_eq!(bed.puback().await, (1, 0x87), "no gateway");
    assert_eq!((ground.rows("pump").await, ground.rows("gw").await), (1, 1));
    ground.stopped().await;
}

#[tokio::test]
async fn what_was_never_offered_ends_the_connection_with_its_code() {
    let ground = Ground::start_with(|config| config.front.max_packet_bytes = 4_096, None).await;
    let topic = "vigil/v1/bed-01/vitals";
    let mut qos_2 = publish(V5, topic, b"{}", 1);
    qos_2[0] = 0x34;
    let mut alias = string(topic.as_bytes());
    alias.extend(b"\x03\x23\x00\x01{}");
    for (bytes, code) in [
        (qos_2, 0x9B),
        (packet(0x30, &alias), 0x94),
        (publish(V5, topic, &[b' '; 5_000], 1), 0x95),
        (Connect::new(V5, "bed-01", SECRET).bytes(), 0x82),
        (packet(0x20, &[0, 0, 0]), 0x82),
        (packet(0x80, &[0, 1]), 0x81),
        (packet(0x32, b"\x00\x01a\x00\x00\x00"), 0x82),
    ] {
        let mut client = ground.client(V5, "bed-01").await;
        client.send(&bytes).await;
        assert_eq!(client.ended().await, Some(code), "{bytes:x?}");
    }
    let mut client = ground.client(V4, "bed-01").await;
    let mut qos_2 = publish(V4, topic, b"{}", 1);
    qos_2[0] = 0x34;
    client.send(&qos_2).await;
    assert_eq!(client.ended().await, None);
    ground.stopped().await;
}

#[tokio::test]
async fn a_small_window_holds_a_flood_and_loses_nothing() {
    let ground = Ground::start_with(|config| config.window = 4, None).await;
    let mut client = ground.client(V4, "bed-01").await;
    let topic = "vigil/v1/bed-01/vitals";
    let mut flood: Vec<u8> = (1..=50).flat_map(|pkid| publish(V4, topic, &frame(i64::from(pkid)), pkid)).collect();
    flood.extend([0xC0, 0]);
    client.send(&flood).await;
    let (mut pkids, mut pongs) = (Vec::new(), 0);
    while pkids.len() < 50 || pongs < 1 {
        match client.packet().await.expect("the connection lives") {
            (0x40, body) => pkids.push(u16::from_be_bytes([body[0], body[1]])),
            (first, _) => {
                assert_eq!(first, 0xD0, "what follows the flood is read as well");
                pongs += 1;
            }
        }
    }
    assert_eq!(pkids, Vec::from_iter(1..=50));
    assert_eq!(ground.rows("bed-01").await, 50);
    ground.stopped().await;
}

#[tokio::test]
async fn a_stop_acknowledges_what_was_accepted_and_says_goodbye() {
    let ground = Ground::start().await;
    let mut client = ground.client(V5, "bed-01").await;
    let mut old = Client::dial(ground.address, V4).await;
    assert_eq!(old.connect(&Connect::new(V4, "bed-02", SECRET)).await, Some(0));
    client.publish("vigil/v1/bed-01/vitals", &frame(1), 1).await;
    assert_eq!(client.puback().await, (1, 0));
    ground.begin_stop();
    assert_eq!(client.ended().await, Some(0x8B));
    assert_eq!(old.ended().await, None);
    assert_eq!(ground.rows("bed-01").await, 1);
    ground.stopped().await;
}
