//! The last retained status of each device.

use vitals::{DeviceKey, Timestamp};

use crate::time::At;
use crate::{Db, Error};

pub(crate) const LOAD: &str = "-- statuses::load
    SELECT device_key, payload, received_at FROM device_statuses";

/// (device, payload as it came, received at)
pub async fn load(db: &impl Db) -> Result<Vec<(DeviceKey, Vec<u8>, Timestamp)>, Error> {
    let rows = db.query(LOAD, &[]).await?;
    rows.iter().map(|row| Ok((DeviceKey(row.try_get(0)?), row.try_get(1)?, row.try_get::<_, At>(2)?.0))).collect()
}
