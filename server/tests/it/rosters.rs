//! Enrolments and revocations while the server runs.

use std::time::{Duration, Instant};

use store::testing::database;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;
use vitals::Clock;

use super::mqtt::{Device, connect_v5, listen_v5, publish_v5};
use super::vigil::{Site, Vigil};

/// Promised is a second; the rest is a busy test machine's. Far less than the 30 s after which a server looks unasked.
const SOON: Duration = Duration::from_secs(5);

const NOT_AUTHORIZED: u8 = 0x87;

fn frame() -> String {
    format!(r#"{{"t":"{}","hr":72}}"#, Clock::system().now())
}

/// What is promised, of the middle one of several: hearing takes milliseconds, the rest is a pause of a quarter of a second.
const PROMISED: Duration = Duration::from_secs(1);
const TIMES: usize = 9;

fn kept(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    eprintln!("{what}: {took:?}");
    assert!(took[took.len() / 2] <= PROMISED, "{what}: {took:?}");
}

/// Whether the server's roster, which its screens are told from, has this device.
async fn lists(vigil: &Vigil, device: &str) -> bool {
    let page = vigil.get("/api/devices").await;
    page["devices"].as_array().unwrap().iter().any(|listed| listed["id"] == device)
}

async fn soon(what: &str, mut ask: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !ask().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(SOON, asking).await.unwrap_or_else(|_| panic!("not soon: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolment_reaches_a_running_server_and_a_revocation_ends_the_connection() {
    let db = database().await;
    let site = Site::of(&db).await;
    let vigil = site.start();
    let secret = site.enrol("bed-1", &[]);
    soon("the enrolment", async || lists(&vigil, "bed-1").await).await;
    let mut device = Device::connect(vigil.mqtt, "bed-1", &secret).await;
    device.stores(&frame()).await;
    drop(device);

    let listening = listen_v5(vigil.mqtt, "bed-1", &secret).await;
    site.run(&["device", "revoke", "bed-1"]);
    let said = timeout(SOON, listening).await.expect("the connection ends").unwrap();
    assert_eq!((said.first(), said.get(2)), (Some(&0xE0), Some(&NOT_AUTHORIZED)), "{said:02x?}");
    assert_eq!(Device::try_connect(vigil.mqtt, "bed-1", &secret).await.err(), Some(5));
    soon("the revocation", async || !lists(&vigil, "bed-1").await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolment_and_a_revocation_are_known_within_a_second() {
    let db = database().await;
    let site = Site::of(&db).await;
    let gateway = site.enrol("gw", &["--gateway"]);
    let vigil = site.start();
    let mut gateway = connect_v5(vigil.mqtt, "gw", &gateway).await;
    let (mut admitted, mut permitted, mut closed) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TIMES {
        let id = format!("bed-{number}");
        // From the moment in which the command has said so, as whoever types it counts.
        let secret = site.enrol(&id, &["--behind", "gw"]);
        let enrolled = Instant::now();
        let listening = listen_v5(vigil.mqtt, &id, &secret).await;
        admitted.push(enrolled.elapsed());
        // CONNECT asks the database about whom the roster does not know; this is the roster itself.
        let topic = format!("vigil/v1/gw/relay/{id}/vitals");
        soon("the right to speak", async || publish_v5(&mut gateway, &topic, &frame()).await == 0).await;
        permitted.push(enrolled.elapsed());
        site.run(&["device", "revoke", &id]);
        let revoked = Instant::now();
        timeout(SOON, listening).await.expect("the connection ends").unwrap();
        closed.push(revoked.elapsed());
    }
    kept("enrolled until admitted", admitted);
    kept("enrolled until its gateway may speak for it", permitted);
    kept("revoked until closed", closed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_credential_ends_the_connection_that_it_opened_and_no_other() {
    let db = database().await;
    let site = Site::of(&db).await;
    let (lost, kept) = (site.enrol("bed-1", &[]), site.enrol("bed-2", &[]));
    let vigil = site.start();
    let mut neighbour = Device::connect(vigil.mqtt, "bed-2", &kept).await;
    let listening = listen_v5(vigil.mqtt, "bed-1", &lost).await;
    // Nobody types this yet: `vigil device` revokes devices.
    let revoke = "UPDATE device_credentials SET revoked_at = now() FROM devices WHERE key = device_key AND external_id = 'bed-1'";
    assert_eq!(db.pool().get().await.unwrap().execute(revoke, &[]).await.unwrap(), 1);
    let said = timeout(SOON, listening).await.expect("the connection ends").unwrap();
    assert_eq!((said.first(), said.get(2)), (Some(&0xE0), Some(&NOT_AUTHORIZED)), "{said:02x?}");
    assert_eq!(Device::try_connect(vigil.mqtt, "bed-1", &lost).await.err(), Some(5));
    neighbour.stores(&frame()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_may_speak_for_a_device_from_its_enrolment_to_its_revocation() {
    let db = database().await;
    let site = Site::of(&db).await;
    let secret = site.enrol("gw", &["--gateway"]);
    let vigil = site.start();
    let mut gateway = connect_v5(vigil.mqtt, "gw", &secret).await;
    let topic = "vigil/v1/gw/relay/pump/vitals";
    assert_eq!(publish_v5(&mut gateway, topic, &frame()).await, NOT_AUTHORIZED, "nobody is enrolled under this name");
    site.enrol("pump", &["--behind", "gw"]);
    soon("the right to speak", async || publish_v5(&mut gateway, topic, &frame()).await == 0).await;
    site.run(&["device", "revoke", "pump"]);
    soon("the end of it", async || publish_v5(&mut gateway, topic, &frame()).await == NOT_AUTHORIZED).await;
    // The gateway itself stays: PINGREQ, PINGRESP.
    gateway.write_all(&[0xC0, 0]).await.unwrap();
    let mut answer = [0; 2];
    timeout(SOON, gateway.read_exact(&mut answer)).await.expect("an answer").unwrap();
    assert_eq!(answer, [0xD0, 0]);
}
