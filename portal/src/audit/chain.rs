//! What a link of the chain is over. None of it ever changes: links that exist were made with it.

use aws_lc_rs::digest;
use store::Row;
use store::time::At;
use store::types::{FromSql, Type};
use uuid::Uuid;
use vitals::Timestamp;

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// The columns of an event's row in the order of their numbers, which are hashed with them. A column that comes later is
/// added at the end: where it is null, the hash is what it was.
pub(crate) const COLUMNS: [&str; 22] = [
    "id",
    "at",
    "realm",
    "category",
    "action",
    "outcome",
    "user_id",
    "system_part",
    "device_key",
    "role",
    "session_id",
    "station_id",
    "address",
    "purpose",
    "endpoint",
    "entity_kind",
    "entity_id",
    "entity_version",
    "detail_sealed",
    "times",
    "correlation_id",
    "retention",
];

/// The place of a stream's last link when another stream began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) stream: Uuid,
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
}

/// An event as it is stored, in one encoding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stored {
    pub(crate) id: Uuid,
    bytes: Vec<u8>,
}

/// What comes before the first link: a stream cannot be taken away unless those after it are made anew.
pub(crate) fn genesis(stream: Uuid, opened_at: Timestamp, after: Option<Place>) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(b"vigil audit stream 1");
    context.update(stream.as_bytes());
    context.update(&opened_at.micros().to_be_bytes());
    if let Some(Place { stream, seq, hash }) = after {
        context.update(stream.as_bytes());
        context.update(&seq.to_be_bytes());
        context.update(&hash);
    }
    finish(context)
}

/// `adopted`: no process announced the event. Whoever takes the mark away breaks the chain.
pub(crate) fn link(before: &Hash, event: &Stored, adopted: bool) -> Hash {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(if adopted { b"vigil audit adopted 1" } else { &b"vigil audit link 1"[..] });
    context.update(before);
    context.update(&event.bytes);
    finish(context)
}

fn finish(context: digest::Context) -> Hash {
    context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// A value as PostgreSQL sends it in binary, of whatever type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl Stored {
    /// `row` begins with [`COLUMNS`] and ends with the subjects: their identifiers, and the times that stand beside them.
    pub(crate) fn read(row: &Row) -> Result<Self, store::Error> {
        let mut bytes = Vec::with_capacity(256);
        for column in 0..COLUMNS.len() {
            // Number, length, bytes; a null is left out. No two rows give the same.
            if let Some(Raw(value)) = row.try_get(column)? {
                put(&mut bytes, u32::try_from(column).expect("22 of them"), value);
            }
        }
        let patients: Vec<Uuid> = row.try_get("patients")?;
        let times: Vec<At> = row.try_get("times_beside")?;
        for (patient, At(at)) in patients.iter().zip(times) {
            let subject = [&patient.as_bytes()[..], &at.micros().to_be_bytes()].concat();
            put(&mut bytes, SUBJECT, &subject);
        }
        Ok(Self { id: row.try_get("id")?, bytes })
    }
}

/// In the place of a column's number.
const SUBJECT: u32 = u32::MAX;

fn put(bytes: &mut Vec<u8>, number: u32, value: &[u8]) {
    bytes.extend_from_slice(&number.to_be_bytes());
    bytes.extend_from_slice(&u32::try_from(value.len()).expect("a value is below a gigabyte").to_be_bytes());
    bytes.extend_from_slice(value);
}
