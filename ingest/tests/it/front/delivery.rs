use tokio::net::TcpSocket;

use super::client::{Client, Connect, Received, V4, V5, packet};
use super::ground::{Ground, SECRET};

fn status(name: &str, retain: bool, payload: &[u8]) -> Received {
    Received { qos: 0, retain, pkid: 0, topic: format!("vigil/v1/{name}/status"), payload: payload.to_vec() }
}

#[tokio::test]
async fn each_filter_gets_its_grant_or_its_refusal() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V5, "bed-01").await;
    let own = "vigil/v1/bed-01/down/#";
    let answers = bed
        .subscribe(&[
            (own, 2),
            ("vigil/v1/bed-01/down/limits", 0),
            ("vigil/v1/bed-02/down/#", 1),
            ("vigil/v1/+/down/#", 1),
            ("#", 0),
            ("vigil/v1/+/status", 0),
            ("$share/g/vigil/v1/bed-01/down/#", 1),
            ("vigil/v1/bed-01/down/#/x", 1),
        ])
        .await;
    assert_eq!(answers, [1, 0, 0x87, 0x87, 0x87, 0x87, 0x9E, 0x8F]);
    let mut old = ground.client(V4, "bed-02").await;
    assert_eq!(old.subscribe(&[(own, 1), ("vigil/v1/bed-02/down/#", 1)]).await, [0x80, 1]);
    let many: Vec<String> = (0..20).map(|tail| format!("vigil/v1/bed-01/down/{tail}")).collect();
    let many: Vec<(&str, u8)> = many.iter().map(|filter| (filter.as_str(), 0)).collect();
    let answers = bed.subscribe(&many).await;
    assert_eq!(answers.iter().filter(|&&code| code == 0x97).count(), 6, "16 a connection, two were there");
    let mut unsubscribe = b"\x00\x08\x00".to_vec();
    unsubscribe.extend(super::client::string(own.as_bytes()));
    unsubscribe.extend(super::client::string(b"vigil/v1/never"));
    bed.send(&packet(0xA2, &unsubscribe)).await;
    assert_eq!(bed.packet().await, Some((0xB0, vec![0, 8, 0, 0, 0x11])));
    ground.stopped().await;
}

#[tokio::test]
async fn a_command_reaches_the_device_it_names_and_no_other() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V5, "bed-01").await;
    let mut other = ground.client(V4, "bed-02").await;
    bed.subscribe(&[("vigil/v1/bed-01/down/#", 0)]).await;
    other.subscribe(&[("vigil/v1/bed-02/down/limits", 1)]).await;
    for version in [V4, V5] {
        let mut desk = ground.client(version, "desk").await;
        desk.publish("vigil/v1/bed-01/down/limits", b"for one", 1).await;
        assert_eq!(desk.puback().await, (1, 0));
        let topic = "vigil/v1/bed-01/down/limits".to_owned();
        let expected = Received { qos: 0, retain: false, pkid: 0, topic, payload: b"for one".to_vec() };
        assert_eq!(bed.received().await, expected);
        desk.publish("vigil/v1/bed-02/down/other", b"not subscribed", 0).await;
        desk.publish("vigil/v1/bed-02/down/limits", b"for two", 2).await;
        assert_eq!(desk.puback().await, (2, 0));
        let two = other.received().await;
        assert_eq!((two.qos, &two.payload[..]), (1, &b"for two"[..]));
        other.send(&packet(0x40, &two.pkid.to_be_bytes())).await;
    }
    other.ping().await;
    let mut desk = ground.client(V5, "desk").await;
    desk.publish("vigil/v1/bed-01/vitals", b"{}", 2).await;
    assert_eq!(desk.puback().await, (2, 0x87), "a service has no readings");
    desk.publish("vigil/v1/+/down/x", b"{}", 3).await;
    assert_eq!(desk.ended().await, Some(0x81));
    ground.stopped().await;
}

#[tokio::test]
async fn sixteen_commands_are_in_flight_until_one_is_acknowledged() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V4, "bed-01").await;
    bed.subscribe(&[("vigil/v1/bed-01/down/#", 1)]).await;
    let mut desk = ground.client(V5, "desk").await;
    for command in 1..=20_u16 {
        desk.publish("vigil/v1/bed-01/down/n", &command.to_be_bytes(), command).await;
        assert_eq!(desk.puback().await, (command, 0));
    }
    let mut pkids = Vec::new();
    for command in 1..=16_u16 {
        let received = bed.received().await;
        assert_eq!(received.payload, command.to_be_bytes());
        pkids.push(received.pkid);
    }
    bed.ping().await;
    for (pkid, command) in pkids.into_iter().zip(17..=20_u16) {
        bed.send(&packet(0x40, &pkid.to_be_bytes())).await;
        assert_eq!(bed.received().await.payload, command.to_be_bytes());
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_command_that_comes_while_others_are_written_slowly_is_not_forgotten() {
    let ground = Ground::start_with(|config| config.front.write_timeout_ms = 60_000, None).await;
    // It takes next to nothing until it is asked to, and all of them are more than the sockets between take.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let mut slow = Client::over(socket.connect(ground.address).await.unwrap(), V4);
    assert_eq!(slow.connect(&Connect::new(V4, "bed-01", SECRET)).await, Some(0));
    slow.subscribe(&[("vigil/v1/bed-01/down/#", 0)]).await;
    let mut witness = ground.client(V5, "bed-02").await;
    witness.subscribe(&[("vigil/v1/bed-02/down/#", 0)]).await;
    let mut desk = ground.client(V5, "desk").await;
    // As many as may wait, so that none is dropped; one by one, so that each is news of its own.
    let commands = 64_u16;
    for command in 1..=commands {
        let payload = [&command.to_be_bytes()[..], &[b'x'; 62_000]].concat();
        for topic in ["vigil/v1/bed-01/down/x", "vigil/v1/bed-02/down/x"] {
            desk.publish(topic, &payload, command).await;
            assert_eq!(desk.puback().await, (command, 0));
        }
        // Commands come in order: the other one is on its way.
        witness.received().await;
    }
    for command in 1..=commands {
        assert_eq!(slow.received().await.payload[..2], command.to_be_bytes(), "though nothing else happens to it");
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_service_sees_the_last_status_of_each_device_and_then_each_change() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V5, "bed-01").await;
    for (pkid, payload) in [(1, b"old".as_slice()), (2, b"{\"online\":true}")] {
        bed.publish("vigil/v1/bed-01/status", payload, pkid).await;
        assert_eq!(bed.puback().await, (pkid, 0));
    }
    let mut desk = ground.client(V5, "desk").await;
    assert_eq!(desk.subscribe(&[("vigil/v1/+/status", 0)]).await, [0]);
    assert_eq!(desk.received().await, status("bed-01", true, b"{\"online\":true}"));
    let mut other = ground.client(V4, "bed-02").await;
    other.publish("vigil/v1/bed-02/status", b"{\"battery_pct\":9}", 1).await;
    assert_eq!(desk.received().await, status("bed-02", false, b"{\"battery_pct\":9}"));
    let mut gateway = ground.client(V5, "gw").await;
    gateway.publish("vigil/v1/gw/relay/pump/status", b"{}", 1).await;
    assert_eq!(desk.received().await, status("pump", false, b"{}"), "under the device's own topic");
    assert_eq!((other.puback().await, gateway.puback().await), ((1, 0), (1, 0)));
    let database = ground.stopped().await;

    let again = Ground::on(database, |_| {}, None).await;
    let mut desk = again.client(V4, "desk").await;
    assert_eq!(desk.subscribe(&[("vigil/v1/bed-02/status", 0)]).await, [0]);
    assert_eq!(desk.received().await, status("bed-02", true, b"{\"battery_pct\":9}"), "it outlives the process");
    again.stopped().await;
}

#[tokio::test]
async fn a_will_is_said_when_its_device_goes_without_goodbye() {
    let ground = Ground::start().await;
    let mut desk = ground.client(V5, "desk").await;
    desk.subscribe(&[("vigil/v1/+/status", 0)]).await;
    for version in [V4, V5] {
        let topic = "vigil/v1/bed-01/status";
        let connect = Connect { will: Some((topic, b"gone")), ..Connect::new(version, "bed-01", SECRET) };
        let mut bed = Client::dial(ground.address, version).await;
        assert_eq!(bed.connect(&connect).await, Some(0));
        drop(bed);
        assert_eq!(desk.received().await, status("bed-01", false, b"gone"));
        let mut polite = Client::dial(ground.address, version).await;
        assert_eq!(polite.connect(&connect).await, Some(0));
        polite.send(&[0xE0, 0]).await;
        assert_eq!(polite.ended().await, None);
        let mut taken = Client::dial(ground.address, version).await;
        assert_eq!(taken.connect(&connect).await, Some(0));
        let mut bed = ground.client(version, "bed-01").await;
        assert_eq!(desk.received().await, status("bed-01", false, b"gone"), "and when it is taken over");
        bed.publish(topic, b"back", 1).await;
        assert_eq!(desk.received().await, status("bed-01", false, b"back"), "the polite one left no will");
    }
    let database = ground.stopped().await;
    let client = database.pool().get().await.unwrap();
    let kept = "SELECT payload FROM device_statuses JOIN devices ON key = device_key WHERE external_id = 'bed-01'";
    let payload: Vec<u8> = client.query_one(kept, &[]).await.unwrap().get(0);
    assert_eq!(payload, b"back");
}
