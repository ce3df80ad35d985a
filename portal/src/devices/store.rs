use ahash::AHashMap;
use store::time::At;
use store::{Db, Error};
use vitals::{DeviceKey, Timestamp};

/// Receive times of a device rise with its event times but for back-fill, so that its newest row is the one asked for.
const LAST_RECEIVED: &str = "-- portal::devices::last_received
    SELECT device_key, received_at FROM last_received($1, $2)";

/// When each of these was last heard, by the newest event time at or after `floor`.
pub(super) async fn last_received(
    db: &impl Db,
    keys: &[DeviceKey],
    floor: Timestamp,
) -> Result<AHashMap<DeviceKey, Timestamp>, Error> {
    let keys: Vec<i32> = keys.iter().map(|key| key.0).collect();
    let rows = db.query(LAST_RECEIVED, &[&keys, &At(floor)]).await?;
    rows.iter().map(|row| Ok((DeviceKey(row.try_get(0)?), row.try_get::<_, At>(1)?.0))).collect()
}
