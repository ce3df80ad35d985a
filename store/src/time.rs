use std::error::Error;

use bytes::{BufMut, BytesMut};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, accepts, to_sql_checked};
use vitals::Timestamp;

/// 2000-01-01, where PostgreSQL counts from, in µs since 1970.
const EPOCH_US: i64 = 946_684_800_000_000;

/// A `timestamptz`. Both sides count microseconds, so nothing is rounded on the way; the ends of the range are
/// `infinity` and its opposite.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct At(pub Timestamp);

impl ToSql for At {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        let micros = match self.0.micros() {
            infinite @ (i64::MIN | i64::MAX) => infinite,
            finite => finite.saturating_sub(EPOCH_US),
        };
        out.put_i64(micros);
        Ok(IsNull::No)
    }

    accepts!(TIMESTAMPTZ);
    to_sql_checked!();
}

impl<'a> FromSql<'a> for At {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_be_bytes(raw.try_into()?);
        Ok(Self(Timestamp::from_micros(match micros {
            infinite @ (i64::MIN | i64::MAX) => infinite,
            finite => finite.saturating_add(EPOCH_US),
        })))
    }

    accepts!(TIMESTAMPTZ);
}
