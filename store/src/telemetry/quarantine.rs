//! Entries of the quarantine, many with one statement: who sends what is refused must not hold up its neighbours.

use std::collections::HashMap;

use tokio_postgres::{Row, Statement, Transaction};
use vitals::{Quarantined, Timestamp};

use crate::time::At;
use crate::{Db, Error};

/// Payload bytes of one statement, beyond which it takes no more: PostgreSQL refuses an array of 1 GB.
const MAX_BYTES: usize = 16 << 20;

/// The same bytes on the same topic: one row, which a statement may touch only once.
struct Repeated<'a> {
    first: &'a Quarantined,
    last_at: Timestamp,
    count: i64,
}

pub(super) async fn insert<'a>(
    tx: &Transaction<'_>,
    statement: &Statement,
    entries: impl Iterator<Item = &'a Quarantined>,
    seal: &(dyn Fn(&Quarantined) -> Vec<u8> + Sync),
) -> Result<(), Error> {
    let rows = combine(entries);
    let mut rest = &rows[..];
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = rest.iter().take_while(|row| {
            let before = bytes;
            bytes += row.first.payload.len();
            before < MAX_BYTES
        });
        let (now, later) = rest.split_at(fits.count());
        rest = later;
        let devices: Vec<_> = now.iter().map(|row| row.first.device.0).collect();
        let topics: Vec<_> = now.iter().map(|row| row.first.topic.as_str()).collect();
        let digests: Vec<_> = now.iter().map(|row| row.first.digest.as_slice()).collect();
        let reasons: Vec<_> = now.iter().map(|row| row.first.reason.word()).collect();
        let details: Vec<_> = now.iter().map(|row| row.first.detail.as_str()).collect();
        let payloads: Vec<_> = now.iter().map(|row| seal(row.first)).collect();
        let first_at: Vec<_> = now.iter().map(|row| At(row.first.received_at)).collect();
        let last_at: Vec<_> = now.iter().map(|row| At(row.last_at)).collect();
        let counts: Vec<_> = now.iter().map(|row| row.count).collect();
        tx.execute(
            statement,
            &[&devices, &topics, &digests, &reasons, &details, &payloads, &first_at, &last_at, &counts],
        )
        .await?;
    }
    Ok(())
}

/// A row from before payloads were sealed.
pub struct Plain {
    pub id: i64,
    pub digest: Vec<u8>,
    pub payload: Vec<u8>,
}

pub(crate) const PLAIN: &str = "-- quarantine::plain
    SELECT id, digest, payload FROM quarantine WHERE NOT sealed ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED";

/// Rows that are still to be sealed; nobody else has them until the transaction ends.
pub async fn plain(db: &impl Db, limit: i64) -> Result<Vec<Plain>, Error> {
    let rows = db.query(PLAIN, &[&limit]).await?;
    let read = |row: &Row| Ok(Plain { id: row.try_get(0)?, digest: row.try_get(1)?, payload: row.try_get(2)? });
    rows.iter().map(read).collect()
}

pub(crate) const SEAL: &str = "-- quarantine::seal
    UPDATE quarantine SET digest = $2, payload = $3, sealed = true WHERE id = $1";

pub async fn seal(db: &impl Db, id: i64, digest: &[u8], payload: &[u8]) -> Result<(), Error> {
    db.execute(SEAL, &[&id, &digest, &payload]).await?;
    Ok(())
}

/// In the order in which each came first.
fn combine<'a>(entries: impl Iterator<Item = &'a Quarantined>) -> Vec<Repeated<'a>> {
    let (mut rows, mut places) = (Vec::<Repeated<'_>>::new(), HashMap::new());
    for entry in entries {
        let place = *places.entry((entry.device, entry.topic.as_str(), entry.digest)).or_insert(rows.len());
        match rows.get_mut(place) {
            Some(row) => (row.last_at, row.count) = (entry.received_at, row.count + 1),
            None => rows.push(Repeated { first: entry, last_at: entry.received_at, count: 1 }),
        }
    }
    rows
}
