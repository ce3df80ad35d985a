//! Certificates that prove nothing, and what is no TLS of today.

use store::roster::CredentialKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vitals::DeviceKind;

use super::client::{Client, Connect, PATIENCE, V4, V5};
use super::ground::{Ground, SECRET, enrol_bare, sha256};
use super::neighbour::beside;
use super::tls::{Authority, Pair};

fn bare(version: u8, client_id: &str) -> Connect<'_> {
    Connect { login: None, ..Connect::new(version, client_id, "") }
}

/// The code of the CONNACK; None: not even TLS was agreed upon.
async fn code(authority: &Authority, ground: &Ground, version: u8, own: &Pair, client_id: &str) -> Option<u8> {
    let own = (own.0.clone(), own.1.clone_key());
    let mut client = authority.try_dial(ground, version, Some(own)).await?;
    client.try_send(&bare(version, client_id).bytes()).await;
    client.packet().await.map(|(_, body)| body[1])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_proves_nothing_admits_nobody() {
    let authority = Authority::new();
    let ground = Ground::start_with(|_| {}, Some(authority.acceptor())).await;
    let key = enrol_bare(&ground.database, "certified", DeviceKind::Device, None).await;
    let client = ground.database.pool().get().await.unwrap();
    let good = authority.issue("certified");
    let expired = authority.issue_for("certified", 2000..2001);
    let early = authority.issue_for("certified", 2900..2901);
    let stranger = Authority::new().issue("certified");
    // All four are enrolled: it is not their digests that they fail by.
    for (der, _) in [&good, &expired, &early, &stranger] {
        store::roster::add_credential(&client, key, CredentialKind::Certificate, &sha256(der), None).await.unwrap();
    }
    let lost = authority.issue("lost");
    let lost_key = enrol_bare(&ground.database, "lost", DeviceKind::Device, None).await;
    store::roster::add_credential(&client, lost_key, CredentialKind::Certificate, &sha256(&lost.0), None)
        .await
        .unwrap();
    assert_eq!(code(&authority, &ground, V5, &lost, "lost").await, Some(0));
    assert!(store::roster::revoke(&client, "lost").await.unwrap());
    drop(client);
    beside(&ground, async {
        for (version, unauthorised) in [(V4, 5), (V5, 0x87)] {
            for _ in 0..20 {
                assert_eq!(code(&authority, &ground, version, &good, "certified").await, Some(0));
                assert_eq!(code(&authority, &ground, version, &expired, "certified").await, None, "expired");
                assert_eq!(code(&authority, &ground, version, &early, "certified").await, None, "not yet valid");
                assert_eq!(
                    code(&authority, &ground, version, &stranger, "certified").await,
                    None,
                    "of another authority"
                );
                assert_eq!(
                    code(&authority, &ground, version, &good, "bed-01").await,
                    Some(unauthorised),
                    "another's name"
                );
            }
            let begin = std::time::Instant::now();
            while code(&authority, &ground, version, &lost, "lost").await != Some(unauthorised) {
                assert!(begin.elapsed() < PATIENCE, "revoked");
            }
        }
    })
    .await;
    ground.stopped().await;
}

/// A ClientHello of this version and no later one.
fn hello(version: [u8; 2]) -> Vec<u8> {
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    // No session; ECDHE-ECDSA with AES-GCM and with AES-CBC; no compression.
    hello.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x09, 1, 0]);
    // P-256, uncompressed points, ECDSA with SHA-256.
    hello.extend([0, 22, 0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    record
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_tls_and_no_tls_at_all_are_refused() {
    let authority = Authority::new();
    let ground = Ground::start_with(|_| {}, Some(authority.acceptor())).await;
    beside(&ground, async {
        for _ in 0..50 {
            // SSL 3, TLS 1.0 and TLS 1.1: a fatal alert, protocol_version (RFC 8446 §6.2).
            for minor in [0, 1, 2] {
                let mut socket = TcpStream::connect(ground.tls_address).await.unwrap();
                socket.write_all(&hello([3, minor])).await.unwrap();
                let mut answer = Vec::new();
                let ended = tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await;
                drop(ended.expect("an end"));
                assert_eq!((answer[0], &answer[5..7]), (21, &[2, 70][..]), "3.{minor}: {answer:?}");
            }
            let plain = Connect::new(V5, "bed-01", SECRET).bytes();
            for bytes in [&plain[..], b"\x80\x2e\x01\x00\x02", &[0; 600], &[0x16, 3, 3, 0xff, 0xff]] {
                let mut socket = TcpStream::connect(ground.tls_address).await.unwrap();
                socket.write_all(bytes).await.unwrap();
                socket.shutdown().await.unwrap();
                let mut answer = Vec::new();
                drop(tokio::time::timeout(PATIENCE, socket.read_to_end(&mut answer)).await.expect("an end"));
                assert_ne!(answer.first(), Some(&0x20), "no CONNACK");
            }
        }
        let mut bed = authority.dial(&ground, V5, None).await;
        assert_eq!(bed.connect(&Connect::new(V5, "bed-01", SECRET)).await, Some(0));
        let mut thief = Client::dial(ground.address, V4).await;
        assert_eq!(thief.connect(&bare(V4, "bed-01")).await, Some(5), "without TLS there is no certificate");
    })
    .await;
    ground.stopped().await;
}
