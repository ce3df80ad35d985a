//! What is known of each device's clock, so that a backlog after a restart is not taken for a slow clock.

use vitals::{DeviceKey, Timestamp};

use crate::time::At;
use crate::{Db, Error};

pub(crate) const LOAD: &str = "-- clocks::load
    SELECT device_key, offset_us, seen_at FROM device_clocks";

pub(crate) const SAVE: &str = "-- clocks::save
    INSERT INTO device_clocks (device_key, offset_us, seen_at)
    SELECT device_key, offset_us, $3 FROM unnest($1::int4[], $2::int8[]) AS new (device_key, offset_us)
    ON CONFLICT (device_key) DO UPDATE SET offset_us = excluded.offset_us, seen_at = excluded.seen_at
    WHERE device_clocks.seen_at <= excluded.seen_at";

/// (device, offset in µs to add to event time, when it was last known)
pub async fn load(db: &impl Db) -> Result<Vec<(DeviceKey, i64, Timestamp)>, Error> {
    let rows = db.query(LOAD, &[]).await?;
    rows.iter().map(|row| Ok((DeviceKey(row.try_get(0)?), row.try_get(1)?, row.try_get::<_, At>(2)?.0))).collect()
}

/// Each device at most once.
pub async fn save(db: &impl Db, offsets: &[(DeviceKey, i64)], seen_at: Timestamp) -> Result<(), Error> {
    let (devices, offsets): (Vec<i32>, Vec<i64>) = offsets.iter().map(|(device, offset)| (device.0, *offset)).unzip();
    db.execute(SAVE, &[&devices, &offsets, &At(seen_at)]).await?;
    Ok(())
}
