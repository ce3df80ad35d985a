use ahash::AHashMap;
use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::{Client, Statement, Transaction};
use vitals::{DeviceKey, Frame, OtherReading, Quarantined, Timestamp};

use super::{encode, merge, quarantine};
use crate::connect::ONLY_CHUNKS_ASKED_FOR;
use crate::time::At;
use crate::{Error, Pool};

/// Moments this close are looked for together: no chunk is longer than a day.
const CLOSE_US: i64 = 86_400_000_000;

/// What one transaction stores. Frames are sorted by (device, at) and hold each key once.
pub struct Batch<'a> {
    /// Known to be newer than anything stored for their devices.
    pub fresh: &'a [&'a Frame],
    /// Late, repeated or uncertain.
    pub merge: &'a [&'a Frame],
    /// Minutes whose roll-up these frames put out of date.
    pub dirty: &'a [(DeviceKey, Timestamp)],
    pub others: &'a [OtherReading],
    pub quarantined: &'a [Quarantined],
    /// (device, payload, received at)
    pub statuses: &'a [(DeviceKey, Bytes, Timestamp)],
    /// What is kept of an entry's payload: sealed, or it is in every copy of the database. Asked once for each row.
    pub seal: &'a (dyn Fn(&Quarantined) -> Vec<u8> + Sync),
    /// Makes the quarantine entries of what differs from what is stored, once for each device and kind: their number
    /// must not grow with that of the readings, so that one device cannot hold up its neighbours.
    pub conflict: &'a (dyn Fn(DeviceKey, Conflict<'_>) -> Vec<Quarantined> + Sync),
}

/// What of one device differs from what is stored for its key.
pub enum Conflict<'a> {
    Frames(&'a [&'a Frame]),
    Others(&'a [&'a OtherReading]),
}

impl Batch<'_> {
    fn only_fresh(&self) -> bool {
        self.merge.is_empty()
            && self.dirty.is_empty()
            && self.others.is_empty()
            && self.quarantined.is_empty()
            && self.statuses.is_empty()
    }
}

/// A writer's own connection, with its statements prepared.
pub struct Connection {
    client: Client,
    copy: Statement,
    copy_incoming: Statement,
    conflicts: Statement,
    merge: Statement,
    mark_dirty: Statement,
    quarantine: Statement,
}

impl Connection {
    pub async fn open(pool: &Pool, name: &str) -> Result<Self, Error> {
        let client = pool.connect(name).await?;
        // A role or database default must not weaken what a PUBACK promises.
        client.batch_execute("SET synchronous_commit = on; SET statement_timeout = '12s'").await?;
        client.batch_execute(ONLY_CHUNKS_ASKED_FOR).await?;
        client.batch_execute(merge::INCOMING).await?;
        Ok(Self {
            copy: client.prepare(&merge::copy_into("vitals")).await?,
            copy_incoming: client.prepare(&merge::copy_into("incoming")).await?,
            conflicts: client.prepare(&merge::conflicts()).await?,
            merge: client.prepare(&merge::merge()).await?,
            mark_dirty: client.prepare(merge::MARK_DIRTY).await?,
            quarantine: client.prepare(merge::QUARANTINE).await?,
            client,
        })
    }

    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Stores all of it or nothing. The rows are durable when this returns; the answer is the number of conflicts found.
    pub async fn store(&mut self, batch: &Batch<'_>) -> Result<u64, Error> {
        if batch.only_fresh() {
            if !batch.fresh.is_empty() {
                // A single statement is its own transaction: two round trips less.
                copy_rows(self.client.copy_in(&self.copy).await?, batch.fresh).await?;
            }
            return Ok(0);
        }
        let tx = self.client.transaction().await?;
        if !batch.fresh.is_empty() {
            copy_rows(tx.copy_in(&self.copy).await?, batch.fresh).await?;
        }
        let (mut entries, mut conflicts) = (Vec::new(), 0);
        if !batch.merge.is_empty() {
            copy_rows(tx.copy_in(&self.copy_incoming).await?, batch.merge).await?;
            let mut differing = Vec::new();
            for (low, high) in spans(batch.merge.iter().map(|frame| frame.at)) {
                for row in tx.query(&self.conflicts, &[&low, &high]).await? {
                    let key = (DeviceKey(row.get(0)), row.get::<_, At>(1).0);
                    let place = batch.merge.binary_search_by_key(&key, |frame| (frame.device, frame.at));
                    differing.extend(place.map(|place| batch.merge[place]));
                }
            }
            conflicts += differing.len();
            differing.sort_unstable_by_key(|frame| (frame.device, frame.at));
            for frames in differing.chunk_by(|left, right| left.device == right.device) {
                entries.extend((batch.conflict)(frames[0].device, Conflict::Frames(frames)));
            }
            tx.execute(&self.merge, &[]).await?;
        }
        if !batch.others.is_empty() {
            let mut differing = store_others(&tx, batch).await?;
            conflicts += differing.len();
            // Stable: the readings of a device stay in order of arrival.
            differing.sort_by_key(|other| other.device);
            for others in differing.chunk_by(|left, right| left.device == right.device) {
                entries.extend((batch.conflict)(others[0].device, Conflict::Others(others)));
            }
        }
        if !batch.dirty.is_empty() {
            let (devices, minutes): (Vec<i32>, Vec<At>) =
                batch.dirty.iter().map(|(key, minute)| (key.0, At(*minute))).unzip();
            tx.execute(&self.mark_dirty, &[&devices, &minutes]).await?;
        }
        quarantine::insert(&tx, &self.quarantine, batch.quarantined.iter().chain(&entries), batch.seal).await?;
        for (device, payload, received_at) in newest(batch.statuses) {
            tx.execute(merge::STATUS, &[&device.0, &payload.as_ref(), &At(*received_at)]).await?;
        }
        tx.commit().await?;
        Ok(conflicts as u64)
    }
}

/// The last status of each device: those before it would be overwritten in the same transaction.
fn newest(statuses: &[(DeviceKey, Bytes, Timestamp)]) -> impl Iterator<Item = &(DeviceKey, Bytes, Timestamp)> {
    let last: AHashMap<_, _> = statuses.iter().map(|status| (status.0, status)).collect();
    last.into_values()
}

async fn copy_rows(sink: tokio_postgres::CopyInSink<Bytes>, frames: &[&Frame]) -> Result<(), Error> {
    let mut sink = std::pin::pin!(sink);
    sink.send(encode::rows(frames.iter().copied())).await?;
    sink.finish().await?;
    Ok(())
}

/// Answers the readings that differ from what is stored, in the order of `others`.
async fn store_others<'a>(tx: &Transaction<'_>, batch: &Batch<'a>) -> Result<Vec<&'a OtherReading>, Error> {
    let devices: Vec<i32> = batch.others.iter().map(|other| other.device.0).collect();
    let codes: Vec<&str> = batch.others.iter().map(|other| other.code.as_str()).collect();
    let at: Vec<At> = batch.others.iter().map(|other| At(other.at)).collect();
    let values: Vec<f64> = batch.others.iter().map(|other| other.value).collect();
    let units: Vec<Option<&str>> = batch.others.iter().map(|other| other.unit.as_deref()).collect();
    let inserted = tx.execute(merge::OTHERS, &[&devices, &codes, &at, &values, &units]).await?;
    if inserted == batch.others.len() as u64 {
        return Ok(Vec::new());
    }
    let mut places = Vec::new();
    for (low, high) in spans(batch.others.iter().map(|other| other.at)) {
        let rows = tx.query(merge::OTHER_CONFLICTS, &[&devices, &codes, &at, &values, &low, &high]).await?;
        places.extend(rows.iter().map(|row| row.get::<_, i64>(0) as usize - 1));
    }
    places.sort_unstable();
    Ok(places.into_iter().filter_map(|place| batch.others.get(place)).collect())
}

/// The first and the last of moments that lie close together, for each such group, oldest first: a backlog of last month
/// and a repetition of today open the chunks of both and none between.
fn spans(moments: impl Iterator<Item = Timestamp>) -> Vec<(At, At)> {
    let mut moments: Vec<_> = moments.collect();
    moments.sort_unstable();
    let groups = moments.chunk_by(|left, right| right.micros_since(*left) <= CLOSE_US);
    groups.map(|group| (At(group[0]), At(group[group.len() - 1]))).collect()
}
