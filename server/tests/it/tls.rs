//! Certificates, ours and the devices'.

use std::net::SocketAddr;
use std::process::Command;

use store::testing::database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vitals::Clock;

use super::vigil::{PATIENCE, Site, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_proves_itself_with_the_certificate_of_its_enrolment() {
    let db = database().await;
    let site = Site::new(db.url());
    let folder = site.path("keys");
    let folder = folder.to_str().unwrap();
    let told = site.run(&["device", "enrol", "bed-1", "--certificate", folder]);
    assert_eq!(told, format!("certificate {folder}/bed-1.pem\nkey {folder}/bed-1.key\n"));
    site.run(&["device", "enrol", "bed-2", "--certificate", folder]);
    let vigil = site.start();
    let publish = |id: &str, proof: &str, version: &str| {
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "localhost", "-p", &vigil.mqtts.port().to_string(), "-V", version, "-q", "1", "-i", id]);
        command.arg("--cafile").arg(site.ca());
        command.args(["--cert", &format!("{folder}/{proof}.pem"), "--key", &format!("{folder}/{proof}.key")]);
        let frame = format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now());
        command.args(["-t", &format!("vigil/v1/{id}/vitals"), "-m", &frame]);
        command.output().expect("mosquitto-clients is installed (./vigil test installs it)")
    };
    for version in ["mqttv311", "mqttv5"] {
        let sent = publish("bed-1", "bed-1", version);
        assert!(sent.status.success(), "{version}: {}", String::from_utf8_lossy(&sent.stderr));
        let stolen = publish("bed-1", "bed-2", version);
        assert!(!stolen.status.success(), "{version}: with another's certificate");
    }
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_below_1_2_is_refused() {
    let db = database().await;
    let site = Site::new(db.url());
    let vigil = site.start();
    // A ServerHello follows TLS 1.2, a fatal alert TLS 1.1: protocol_version (RFC 8446 §6.2).
    assert_eq!(answer_to_hello(vigil.mqtts, [3, 3]).await[0], 22);
    let answer = answer_to_hello(vigil.mqtts, [3, 2]).await;
    assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "{answer:?}");
}

/// The first seven bytes that answer a ClientHello of this version.
async fn answer_to_hello(server: SocketAddr, version: [u8; 2]) -> [u8; 7] {
    let mut hello = version.to_vec();
    hello.extend([7; 32]);
    // No session; ECDHE-ECDSA with AES-GCM and with AES-CBC; no compression.
    hello.extend([0, 0, 4, 0xc0, 0x2b, 0xc0, 0x09, 1, 0]);
    // P-256, uncompressed points, ECDSA with SHA-256.
    hello.extend([0, 22, 0, 10, 0, 4, 0, 2, 0, 23, 0, 11, 0, 2, 1, 0, 0, 13, 0, 4, 0, 2, 4, 3]);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8 + 4, 1, 0, 0, hello.len() as u8];
    record.extend(hello);
    let mut socket = TcpStream::connect(server).await.unwrap();
    socket.write_all(&record).await.unwrap();
    let mut answer = [0; 7];
    timeout(PATIENCE, socket.read_exact(&mut answer)).await.expect("an answer").unwrap();
    answer
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_name_makes_another_server_certificate_and_nothing_else_does() {
    let db = database().await;
    let site = Site::new(db.url());
    let certificate = || std::fs::read(site.path("tls/server.pem")).unwrap();
    site.run(&["migrate"]);
    let told = site.run(&["check"]);
    let ends = told.strip_prefix("the server certificate ends at ").expect("its end");
    let year: i64 = ends.split_once('-').unwrap().0.parse().unwrap();
    let now: i64 = Clock::system().now().to_string().split_once('-').unwrap().0.parse().unwrap();
    assert!((now + 1..=now + 2).contains(&year), "{told}");
    let (first, authority) = (certificate(), std::fs::read(site.ca()).unwrap());
    site.run(&["check"]);
    assert_eq!(certificate(), first);
    let file = site.path("vigil.toml");
    std::fs::write(&file, "[mqtt]\nserver_names = [\"vigil.ward.example\", \"0:0::7\", \"192.0.2.7\"]\n").unwrap();
    let file = file.to_str().unwrap();
    site.run(&["--config", file, "check"]);
    let second = certificate();
    assert_ne!(second, first);
    site.run(&["--config", file, "check"]);
    assert_eq!(certificate(), second);
    assert_eq!(std::fs::read(site.ca()).unwrap(), authority, "devices keep the authority that they were given");
}
