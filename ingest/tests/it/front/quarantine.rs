//! What is kept of what was refused is sealed, and its digest tells nobody what it was.

use std::time::Duration;

use store::Row;
use store::testing::database;
use vitals::DeviceKind;

use super::client::V5;
use super::ground::{Ground, enrol, sha256};

const TOPIC: &str = "vigil/v1/bed-01/vitals";
const NAMED: &[u8] = br#"{"patient":"Ada Lovelace","hr":"#;

/// Nothing waits for it when all is well.
const SOON: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payload_is_sealed_and_found_again_when_it_repeats() {
    let ground = Ground::start().await;
    let mut bed = ground.client(V5, "bed-01").await;
    for pkid in 1..=3 {
        bed.publish(TOPIC, if pkid == 2 { b"[" } else { NAMED }, pkid).await;
        assert_eq!(bed.puback().await, (pkid, 0));
    }
    assert_eq!(ground.quarantined().await, [NAMED, b"["]);
    let client = ground.database.pool().get().await.unwrap();
    let rows = client.query("SELECT t::text, count, digest, sealed FROM quarantine t ORDER BY id", &[]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get::<_, i64>(1)).collect::<Vec<_>>(), [2, 1]);
    let digests: Vec<Vec<u8>> = rows.iter().map(|row| row.get(2)).collect();
    for guess in [sha256(NAMED), sha256(b"[")] {
        assert!(digests.iter().all(|digest| digest[..] != guess), "whoever guesses a payload can be sure of it");
    }
    let name: String = b"Lovelace".iter().map(|byte| format!("{byte:02x}")).collect();
    let shows = |row: &Row| row.get::<_, String>(0).contains(&name) || row.get::<_, String>(0).contains("Lovelace");
    assert!(rows.iter().all(|row| row.get::<_, bool>(3)) && !rows.iter().any(shows));
    ground.stopped().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_before_payloads_were_sealed_is_sealed_after_a_start() {
    let database = database().await;
    let bed = enrol(&database, "bed-01", DeviceKind::Device, None).await;
    let client = database.pool().get().await.unwrap();
    let add = "INSERT INTO quarantine (device_key, topic, digest, reason, detail, payload, first_received_at, last_received_at)
        VALUES ($1, $2, $3, 'malformed', 'x', $4, now(), now())";
    let payloads: Vec<Vec<u8>> = (0..70).map(|number| [NAMED, &[b'0' + number]].concat()).collect();
    for payload in &payloads {
        client.execute(add, &[&bed.0, &TOPIC, &sha256(payload).as_slice(), payload]).await.unwrap();
    }
    let ground = Ground::on(database, |_| {}, None).await;
    let wait = async {
        let left = "SELECT count(*) FROM quarantine WHERE NOT sealed";
        while client.query_one(left, &[]).await.unwrap().get::<_, i64>(0) > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, wait).await.expect("every payload is sealed");
    assert_eq!(ground.quarantined().await, payloads);
    let guess = "SELECT count(*) FROM quarantine WHERE digest = $1 OR position($2::bytea in payload) > 0";
    let told: i64 = client.query_one(guess, &[&sha256(&payloads[0]).as_slice(), &NAMED]).await.unwrap().get(0);
    assert_eq!(told, 0);
    ground.stopped().await;
}
