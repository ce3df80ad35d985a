//! Topics, filters, wills and identities that are not one's own.

use super::client::{Client, Connect, V4, V5, packet, publish, string, subscribe};
use super::ground::{Ground, SECRET};
use super::neighbour::beside;

/// What no topic of ours is: stock rumqttd died of the first.
fn foreign() -> Vec<String> {
    let short = ["é", "𪛔", "#", "+", "/", "", "$SYS/broker/uptime", "$share/g/vigil/v1/bed-01/down/#", "$queue/x"];
    let mut topics: Vec<String> = short.map(str::to_owned).to_vec();
    for tail in ["+", "#", "é", "\u{1}", "\u{0}", " ", "a#", "x/\u{feff}"] {
        topics.push(format!("vigil/v1/bed-01/down/{tail}"));
        topics.push(format!("vigil/v1/{tail}/down/x"));
        topics.push(format!("vigil/v1/{tail}/vitals"));
    }
    topics.push("a".repeat(65_535));
    topics.push(format!("vigil/v1/bed-01/down/{}", "a".repeat(10_000)));
    topics.push("/".repeat(30_000));
    topics.push(format!("vigil/v1/{}/status", "b".repeat(65)));
    topics
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_topic_of_the_world_hurts_the_bus_or_the_neighbour() {
    let ground = Ground::start().await;
    beside(&ground, async {
        for version in [V4, V5] {
            // A device, a gateway, and a service: what the last says goes through the router.
            for name in ["bed-01", "gw", "desk"] {
                for topic in foreign() {
                    for pkid in [0, 1] {
                        let mut client = ground.client(version, name).await;
                        client.send(&publish(version, &topic, b"{}", pkid)).await;
                        match client.packet().await {
                            None => assert_eq!(version, V4),
                            Some((0x40, body)) => assert_eq!((pkid, &body[..]), (1, &[0, 1, 0x87][..]), "{topic}"),
                            Some((first, body)) => {
                                assert_eq!(first, 0xE0, "{topic}");
                                assert!([0x81, 0x82, 0x87].contains(&body[0]), "{topic}: {body:x?}");
                            }
                        }
                    }
                    if name == "bed-01"
                        && ["vigil/v1/bed-01/down/+", "vigil/v1/bed-01/down/#"].contains(&topic.as_str())
                    {
                        continue;
                    }
                    let mut client = ground.client(version, name).await;
                    client.send(&subscribe(version, 7, &[(&topic, 1)])).await;
                    match client.packet().await {
                        None => assert_eq!(version, V4),
                        Some((0x90, body)) => {
                            assert!(body.last().is_some_and(|code| *code >= 0x80), "{topic}: {body:x?}")
                        }
                        Some((first, body)) => assert_eq!((first, &body[..]), (0xE0, &[0x81][..]), "{topic}"),
                    }
                }
            }
        }
        // The bus lives.
        let mut bed = ground.client(V5, "bed-01").await;
        assert_eq!(bed.subscribe(&[("vigil/v1/bed-01/down/#", 0)]).await, [0]);
        let mut desk = ground.client(V5, "desk").await;
        desk.publish("vigil/v1/bed-01/down/x", b"{}", 1).await;
        assert_eq!(desk.puback().await, (1, 0));
        assert_eq!(bed.received().await.topic, "vigil/v1/bed-01/down/x");
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_will_is_ones_own_status_or_the_client_is_not_admitted() {
    let ground = Ground::start().await;
    let mut desk = ground.client(V5, "desk").await;
    desk.subscribe(&[("vigil/v1/+/status", 0)]).await;
    beside(&ground, async {
        let mut topics = foreign();
        let others = [
            "vigil/v1/bed-02/status",
            "vigil/v1/bed-01/vitals",
            "vigil/v1/bed-02/down/x",
            "vigil/v1/gw/relay/pump/status",
        ];
        topics.extend(others.map(str::to_owned));
        for version in [V4, V5] {
            for name in ["bed-01", "gw", "desk"] {
                for topic in topics.iter().filter(|topic| topic.len() < 15_000) {
                    let connect = Connect { will: Some((topic, b"forged")), ..Connect::new(version, name, SECRET) };
                    let code = Client::dial(ground.address, version).await.connect(&connect).await;
                    let refusals: &[Option<u8>] =
                        if version == V4 { &[Some(5), None] } else { &[Some(0x87), Some(0x81), Some(0x82)] };
                    assert!(refusals.contains(&code), "{name} {topic}: {code:?}");
                }
            }
        }
    })
    .await;
    desk.ping().await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn aliases_and_qos_2_are_refused_each_time() {
    let ground = Ground::start().await;
    beside(&ground, async {
        let topic = string(b"vigil/v1/bed-01/vitals");
        for round in 0..100_u16 {
            let alias = [&[0x23], &round.to_be_bytes()[..]].concat();
            for named in [&topic[..], &[0, 0]] {
                let body = [named, &[3], &alias, b"{}"].concat();
                let mut client = ground.client(V5, "bed-01").await;
                client.send(&packet(0x30, &body)).await;
                assert_eq!(client.ended().await, Some(0x94));
            }
            let mut twice = publish(V5, "vigil/v1/bed-01/vitals", b"{}", 9);
            twice[0] = 0x34;
            let mut client = ground.client(V5, "bed-01").await;
            client.send(&twice.repeat(10)).await;
            assert_eq!(client.ended().await, Some(0x9B));
            drop(client);
            for part in [0x50, 0x62, 0x70] {
                let mut client = ground.client(V4, "bed-01").await;
                client.send(&packet(part, &round.to_be_bytes())).await;
                assert_eq!(client.ended().await, None);
            }
        }
    })
    .await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_takes_an_identity_that_is_not_his() {
    let ground = Ground::start().await;
    // bed-01 stays connected: nobody who fails may cost it its seat.
    let mut victim = ground.client(V5, "bed-01").await;
    beside(&ground, async {
        let own = super::ground::sha256(b"another secret");
        let client = ground.database.pool().get().await.unwrap();
        let key = super::ground::enrol_bare(&ground.database, "thief", vitals::DeviceKind::Device, None).await;
        let kind = store::roster::CredentialKind::Secret;
        store::roster::add_credential(&client, key, kind, &own, None).await.unwrap();
        drop(client);
        for version in [V4, V5] {
            let bad = Some(if version == V4 { 4 } else { 0x86 });
            for _ in 0..50 {
                for (client_id, user, secret) in [
                    ("bed-01", "bed-01", "another secret"),
                    ("bed-01", "thief", "another secret"),
                    ("thief", "bed-01", SECRET),
                    ("bed-01", "bed-01", ""),
                    ("bed-02", "bed-02", "guess"),
                    ("vigil-front", "vigil-front", SECRET),
                ] {
                    let connect = Connect { login: Some((user, secret)), ..Connect::new(version, client_id, "") };
                    let code = Client::dial(ground.address, version).await.connect(&connect).await;
                    assert_eq!(code, bad, "{client_id} as {user}");
                }
                // The name of the front's own link to the router is no identifier.
                let connect = Connect::new(version, "vigil:front", SECRET);
                let code = Client::dial(ground.address, version).await.connect(&connect).await;
                assert_eq!(code, Some(if version == V4 { 2 } else { 0x85 }));
            }
        }
        victim.ping().await;
    })
    .await;
    ground.stopped().await;
}
