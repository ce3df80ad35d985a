use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use vitals::DeviceKind;

use super::client::{Client, Connect, PATIENCE, V4, V5};
use super::ground::{Ground, SECRET, enrol, enrol_bare};

async fn code(ground: &Ground, connect: Connect<'_>) -> Option<u8> {
    Client::dial(ground.address, connect.version).await.connect(&connect).await
}

#[tokio::test]
async fn each_refusal_of_connect_has_its_code_in_both_versions() {
    let ground = Ground::start().await;
    for (version, [bad_login, unauthorised, bad_id]) in [(V4, [4, 5, 2]), (V5, [0x86, 0x87, 0x85])] {
        let good = || Connect::new(version, "bed-01", SECRET);
        assert_eq!(code(&ground, good()).await, Some(0));
        assert_eq!(code(&ground, Connect::new(version, "bed-01", "guess")).await, Some(bad_login), "wrong secret");
        assert_eq!(code(&ground, Connect::new(version, "bed-99", SECRET)).await, Some(bad_login), "unknown device");
        let foreign = Connect { login: Some(("bed-02", SECRET)), ..good() };
        assert_eq!(code(&ground, foreign).await, Some(bad_login), "user name is not the client id");
        assert_eq!(code(&ground, Connect { login: None, ..good() }).await, Some(unauthorised), "no proof");
        assert_eq!(code(&ground, Connect::new(version, "bed/01", SECRET)).await, Some(bad_id));
        assert_eq!(code(&ground, Connect::new(version, "", SECRET)).await, Some(bad_id));
        let will = Connect { will: Some(("vigil/v1/bed-02/status", b"{}")), ..good() };
        assert_eq!(code(&ground, will).await, Some(unauthorised), "another's will");
    }
    let client = ground.database.pool().get().await.unwrap();
    // Known from the start: of one enrolled a moment before, the enrolment may be known before its revocation is.
    assert!(store::roster::revoke(&client, "bed-02").await.unwrap());
    let known = async {
        while code(&ground, Connect::new(V4, "bed-02", SECRET)).await != Some(5) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, known).await.expect("revoked");
    assert_eq!(code(&ground, Connect::new(V5, "bed-02", SECRET)).await, Some(0x87), "revoked");
    assert_eq!(code(&ground, Connect::new(3, "bed-01", SECRET)).await, Some(1), "an older protocol");
    assert_eq!(code(&ground, Connect::new(6, "bed-01", SECRET)).await, Some(0x84), "a newer protocol");
    ground.stopped().await;
}

#[tokio::test]
async fn mqtt_5_is_told_the_bounds() {
    let ground = Ground::start_with(|config| config.window = 9, None).await;
    let mut client = Client::dial(ground.address, V5).await;
    client.send(&Connect { keep_alive_s: 0, ..Connect::new(V5, "bed-01", SECRET) }.bytes()).await;
    let (_, body) = client.packet().await.unwrap();
    let properties = &body[3..];
    for expected in [
        &[0x11, 0, 0, 0, 0][..],
        &[0x21, 0, 9],
        &[0x24, 1],
        &[0x25, 1],
        &[0x27, 0, 4, 0, 0],
        &[0x22, 0, 0],
        &[0x28, 1],
        &[0x29, 0],
        &[0x2A, 0],
        &[0x13, 0x02, 0x58],
    ] {
        assert!(
            properties.windows(expected.len()).any(|window| window == expected),
            "{expected:x?} in {properties:x?}"
        );
    }
    ground.stopped().await;
}

#[tokio::test]
async fn a_device_enrolled_a_moment_ago_connects_and_a_revoked_one_is_sent_away() {
    let ground = Ground::start().await;
    enrol_bare(&ground.database, "bare", DeviceKind::Device, None).await;
    enrol(&ground.database, "new", DeviceKind::Device, None).await;
    let mut new = ground.client(V5, "new").await;
    assert_eq!(code(&ground, Connect::new(V5, "bare", SECRET)).await, Some(0x86), "enrolled, without a credential");
    let client = ground.database.pool().get().await.unwrap();
    store::roster::revoke(&client, "new").await.unwrap();
    assert_eq!(new.ended().await, Some(0x87));
    ground.stopped().await;
}

#[tokio::test]
async fn another_connection_of_the_same_identity_takes_over() {
    let ground = Ground::start().await;
    for version in [V4, V5] {
        let mut first = ground.client(version, "bed-01").await;
        let mut second = ground.client(V5, "bed-01").await;
        assert_eq!(first.ended().await, (version == V5).then_some(0x8E));
        second.ping().await;
    }
    let news = ground.presence.lock().clone();
    assert!(news.windows(2).all(|pair| pair[0].1 != pair[1].1), "there and gone alternate: {news:?}");
    ground.stopped().await;
}

#[tokio::test]
async fn a_storm_of_takeovers_is_slowed_and_named() {
    let ground = Ground::start().await;
    let mut first = ground.client(V5, "bed-01").await;
    // Two clients with one identity, each of which comes back as soon as it was taken over.
    for _ in 0..8 {
        let next = ground.client(V5, "bed-01").await;
        assert_eq!(first.ended().await, Some(0x8E));
        first = next;
    }
    let named = ground.flapping.lock().clone();
    assert_eq!(named.len(), 4, "the first four takeovers may be a bad link");
    let mut other = ground.client(V5, "bed-02").await;
    for (version, refusal) in [(V5, 0x9F), (V4, 3)] {
        // Of two that come at once one waits for the seat, and the other is told to come again; where the machine was so
        // slow that the second came after the first had its seat, they come once more.
        let begin = Instant::now();
        loop {
            let (mut one, mut two) =
                (Client::dial(ground.address, version).await, Client::dial(ground.address, version).await);
            let connect = Connect::new(version, "bed-01", SECRET);
            let (code_one, code_two) = tokio::join!(one.connect(&connect), two.connect(&connect));
            assert_eq!(first.ended().await, (first.version == V5).then_some(0x8E));
            let refused = match (code_one, code_two) {
                (Some(0), Some(0)) => {
                    // Which of them came later, and has it: a third ends it, whichever it is.
                    first = ground.client(version, "bed-01").await;
                    for mut taken in [one, two] {
                        assert_eq!(taken.ended().await, (version == V5).then_some(0x8E));
                    }
                    assert!(begin.elapsed() < PATIENCE, "nobody is ever told to come again");
                    continue;
                }
                (Some(0), refused) => {
                    first = one;
                    refused
                }
                (refused, admitted) => {
                    assert_eq!(admitted, Some(0));
                    first = two;
                    refused
                }
            };
            assert_eq!(refused, Some(refusal));
            break;
        }
    }
    other.ping().await;
    ground.stopped().await;
}

#[tokio::test]
async fn who_says_nothing_is_not_kept() {
    let ground = Ground::start_with(|config| config.front.connect_timeout_ms = 200, None).await;
    let mut stranger = Client::dial(ground.address, V4).await;
    assert_eq!(stranger.packet().await, None);
    let mut client = Client::dial(ground.address, V5).await;
    let connect = Connect { keep_alive_s: 1, ..Connect::new(V5, "bed-01", SECRET) };
    assert_eq!(client.connect(&connect).await, Some(0));
    assert_eq!(client.ended().await, Some(0x8D), "one and a half keep-alives without a byte");
    ground.stopped().await;
}

#[tokio::test]
async fn beyond_the_bound_of_connections_the_quota_is_named() {
    let ground = Ground::start_with(|config| config.front.max_connections = 1, None).await;
    let mut first = ground.client(V4, "bed-01").await;
    assert_eq!(code(&ground, Connect::new(V4, "bed-02", SECRET)).await, Some(3));
    assert_eq!(code(&ground, Connect::new(V5, "bed-02", SECRET)).await, Some(0x97));
    first.ping().await;
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_client_that_never_falls_silent_is_sent_away() {
    let ground = Ground::start().await;
    let (mut reader, mut writer) = ground.client(V5, "bed-01").await.split();
    let pings = [0xC0, 0].repeat(64 * 1024);
    let flood = tokio::spawn(async move { while writer.write_all(&pings).await.is_ok() {} });
    let client = ground.database.pool().get().await.unwrap();
    store::roster::revoke(&client, "bed-01").await.unwrap();
    let mut last = Vec::new();
    while tokio::time::timeout(PATIENCE, reader.read_buf(&mut last)).await.expect("an end").is_ok_and(|count| count > 0)
    {
        last.drain(..last.len().saturating_sub(4));
    }
    assert!(last.windows(3).any(|bytes| bytes[0] == 0xE0 && bytes[2] == 0x87), "DISCONNECT says why: {last:x?}");
    flood.await.unwrap();
    ground.stopped().await;
}
