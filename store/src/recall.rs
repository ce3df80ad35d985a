//! What a restart recalls of the minutes that it does not read frame by frame.

use vitals::{DeviceKey, Flags, Timestamp};

use crate::spans::{self, Shape, Spans};
use crate::time::At;
use crate::{Db, Error};

/// What came from one device, under the same flags, within one minute of receive time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Minute {
    pub device: DeviceKey,
    pub minute: Timestamp,
    pub flags: Flags,
    /// Least and most of receive time less event time, in µs.
    pub delay_us: (i64, i64),
    /// First and last event time.
    pub made: (Timestamp, Timestamp),
    /// When the last one was received.
    pub heard_at: Timestamp,
}

pub(crate) fn recall_sql(shape: &[Shape]) -> String {
    format!(
        "-- recall::recall
        SELECT device_key, minute, flags, (extract(epoch FROM least) * 1000000)::int8,
            (extract(epoch FROM most) * 1000000)::int8, first, last, heard_at
        FROM (
            SELECT device_key, date_bin('1 minute', received_at, 'epoch') AS minute, flags, min(received_at - at) AS least,
                max(received_at - at) AS most, min(at) AS first, max(at) AS last, max(received_at) AS heard_at
            FROM ({}) frame GROUP BY 1, 2, 3
        ) minute ORDER BY device_key, minute",
        spans::sql(shape, "device_key, flags, at, received_at")
    )
}

/// By device and minute: what was received from `from` until `until`.
pub async fn recall(db: &impl Db, from: Timestamp, until: Timestamp) -> Result<Vec<Minute>, Error> {
    let spans = Spans::new(db, |_| Some(from), until).await?;
    let rows = db.query(&recall_sql(&spans.shape()), &spans.parameters()).await?;
    let moment = |row: &tokio_postgres::Row, place| row.try_get::<_, At>(place).map(|At(moment)| moment);
    rows.iter()
        .map(|row| {
            Ok(Minute {
                device: DeviceKey(row.try_get(0)?),
                minute: moment(row, 1)?,
                flags: Flags(row.try_get(2)?),
                delay_us: (row.try_get(3)?, row.try_get(4)?),
                made: (moment(row, 5)?, moment(row, 6)?),
                heard_at: moment(row, 7)?,
            })
        })
        .collect()
}
