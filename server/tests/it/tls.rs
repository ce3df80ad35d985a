//! Certificates, ours and the devices'.

use std::net::SocketAddr;
use std::ops::Range;
use std::process::Command;

use rcgen::{CertificateParams, DnType, Issuer, KeyPair, date_time_ymd};
use store::roster::CredentialKind;
use store::testing::database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use vitals::{Clock, DeviceKey};

use super::vigil::{PATIENCE, Site, count};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_proves_itself_with_the_certificate_of_its_enrolment() {
    let db = database().await;
    let site = Site::of(&db).await;
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

/// A key and a certificate for this device, signed by the device CA of a folder; valid between two new years. Answers its DER.
fn sign(authority: &Site, id: &str, years: Range<i32>, into: &str) -> Vec<u8> {
    let read = |name: &str| std::fs::read_to_string(authority.path(name)).unwrap();
    let key = KeyPair::from_pem(&read("tls/device-ca.key")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&read("tls/device-ca.pem"), key).unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, id);
    (params.not_before, params.not_after) = (date_time_ymd(years.start, 1, 1), date_time_ymd(years.end, 1, 1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    std::fs::write(format!("{into}.key"), key.serialize_pem()).unwrap();
    std::fs::write(format!("{into}.pem"), certificate.pem()).unwrap();
    certificate.der().to_vec()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_of_another_authority_or_of_another_time_admits_nobody() {
    let db = database().await;
    let (site, another) = (Site::of(&db).await, Site::of(&db).await);
    // One database has one root key.
    std::fs::copy(site.key("root.key"), another.key("root.key")).unwrap();
    for site in [&site, &another] {
        site.run(&["migrate"]);
        site.run(&["check"]);
    }
    site.enrol("bed-1", &[]);
    let client = db.pool().get().await.unwrap();
    let key = client.query_one("SELECT key FROM devices WHERE external_id = 'bed-1'", &[]).await.unwrap().get(0);
    let cases = [
        ("good", &site, 2000..2900, true),
        ("expired", &site, 2000..2001, false),
        ("early", &site, 2900..2901, false),
        ("foreign", &another, 2000..2900, false),
    ];
    for (name, authority, years, _) in &cases {
        let path = site.path(name);
        let der = sign(authority, "bed-1", years.clone(), path.to_str().unwrap());
        // Enrolled like the good one: it is not for its digest that it is refused.
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &der);
        let digest: [u8; 32] = digest.as_ref().try_into().unwrap();
        store::roster::add_credential(&client, DeviceKey(key), CredentialKind::Certificate, &digest, None)
            .await
            .unwrap();
    }
    let vigil = site.start();
    for (name, _, _, admitted) in cases {
        let path = site.path(name);
        let mut command = Command::new("mosquitto_pub");
        command.args(["-h", "localhost", "-p", &vigil.mqtts.port().to_string(), "-q", "1", "-i", "bed-1"]);
        command.arg("--cafile").arg(site.ca());
        command.arg("--cert").arg(path.with_extension("pem")).arg("--key").arg(path.with_extension("key"));
        let sent = command.args(["-t", "vigil/v1/bed-1/vitals", "-m", r#"{"hr":72}"#]).output().unwrap();
        assert_eq!(sent.status.success(), admitted, "{name}: {}", String::from_utf8_lossy(&sent.stderr));
    }
    assert_eq!(count(&db, "SELECT count(*) FROM vitals").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_below_1_2_is_refused() {
    let db = database().await;
    let site = Site::of(&db).await;
    let vigil = site.start();
    // A ServerHello follows TLS 1.2, a fatal alert TLS 1.1 and 1.0: protocol_version (RFC 8446 §6.2).
    assert_eq!(answer_to_hello(vigil.mqtts, [3, 3]).await[0], 22);
    for minor in [1, 2] {
        let answer = answer_to_hello(vigil.mqtts, [3, minor]).await;
        assert_eq!((answer[0], &answer[5..]), (21, &[2, 70][..]), "3.{minor}: {answer:?}");
    }
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
    let site = Site::of(&db).await;
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
