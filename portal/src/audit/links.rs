use std::sync::LazyLock;

use ahash::AHashSet;
use store::time::At;
use store::{Db, Error, Row, prepared};
use uuid::Uuid;
use vitals::Timestamp;

use super::chain::{COLUMNS, Hash, Place, Stored};

/// The audit works for itself: it sees the subjects of everybody's events. Of tables that only grow it asks for few rows, each by
/// its index: a plan of when they were small would join all of them.
pub(crate) const AS_AUDIT: &str =
    "SELECT set_config('vigil.part', 'audit', true), set_config('enable_hashjoin', 'off', true),
    set_config('enable_mergejoin', 'off', true)";

/// The subjects too are read in an order of their own, so that the hash does not depend on where rows lie.
const SUBJECTS: &str = "ARRAY(SELECT s.patient_id FROM audit_subjects s WHERE s.event_id = e.id
            ORDER BY s.patient_id, s.at) AS patients,
        ARRAY(SELECT s.at FROM audit_subjects s WHERE s.event_id = e.id ORDER BY s.patient_id, s.at) AS times_beside";

static EVENT: LazyLock<String> =
    LazyLock::new(|| format!("{}, {SUBJECTS}", COLUMNS.map(|column| format!("e.{column}")).join(", ")));

static UNLINKED: LazyLock<String> = LazyLock::new(|| {
    format!(
        "-- portal::audit::unlinked
        SELECT {} FROM audit_events e WHERE e.id = ANY ($1)
            AND NOT EXISTS (SELECT FROM audit_links l WHERE l.event_id = e.id)
        ORDER BY e.id",
        *EVENT
    )
});

static PAGE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "-- portal::audit::page_of_chain
        SELECT {}, l.seq, l.event_id, l.hash, l.adopted FROM audit_links l LEFT JOIN audit_events e ON e.id = l.event_id
        WHERE l.stream = $1 AND l.seq > $2 ORDER BY l.seq LIMIT $3",
        *EVENT
    )
});

const ABSENT: &str = "-- portal::audit::absent
    SELECT wanted FROM unnest($1::uuid[]) AS wanted WHERE NOT EXISTS (SELECT FROM audit_events e WHERE e.id = wanted)";

const APPEND: &str = "-- portal::audit::append
    INSERT INTO audit_links (stream, seq, event_id, hash, adopted)
    SELECT $1, seq, event_id, hash, adopted
    FROM unnest($2::int8[], $3::uuid[], $4::bytea[], $5::bool[]) AS link (seq, event_id, hash, adopted)";

const LAST: &str = "-- portal::audit::last
    SELECT stream, seq, hash FROM audit_links WHERE stream = $1 ORDER BY seq DESC LIMIT 1";

/// Of the stream that began last and has a link.
const NEWEST: &str = "-- portal::audit::newest
    SELECT l.stream, l.seq, l.hash FROM audit_streams s CROSS JOIN LATERAL (
        SELECT stream, seq, hash FROM audit_links WHERE stream = s.stream ORDER BY seq DESC LIMIT 1
    ) l ORDER BY s.opened_at DESC, s.stream LIMIT 1";

const BEGIN: &str = "-- portal::audit::begin
    INSERT INTO audit_streams (stream, opened_at, after_stream, after_seq, after_hash) VALUES ($1, $2, $3, $4, $5)";

const OPENED: &str = "-- portal::audit::opened
    SELECT opened_at, after_stream AS stream, after_seq AS seq, after_hash AS hash FROM audit_streams WHERE stream = $1";

const STREAMS: &str = "-- portal::audit::streams
    SELECT stream AS id, opened_at, after_stream AS stream, after_seq AS seq, after_hash AS hash FROM audit_streams
    ORDER BY opened_at, stream";

/// Ends of streams, but of this one, that no head tells: a command's, or that of a process that crashed.
const UNSIGNED: &str = "-- portal::audit::unsigned
    SELECT l.stream, l.seq, l.hash FROM audit_streams s CROSS JOIN LATERAL (
        SELECT stream, seq, hash FROM audit_links WHERE stream = s.stream ORDER BY seq DESC LIMIT 1
    ) l WHERE s.stream <> $1 AND NOT EXISTS (SELECT FROM audit_heads h WHERE h.stream = l.stream AND h.seq = l.seq)
    ORDER BY s.opened_at LIMIT 1000";

/// Nobody but a process that ended without warning leaves any, and no more than its last seconds.
const ORPHANS: &str = "-- portal::audit::orphans
    SELECT e.id FROM audit_events e
    WHERE e.at >= $1 AND e.at < $2
        AND NOT EXISTS (SELECT FROM audit_links l WHERE l.event_id = e.id)
    ORDER BY e.id LIMIT 100000";

/// A stream's beginning: when, and after which place of which other.
pub(crate) type Opened = (Timestamp, Option<Place>);

pub(crate) async fn unlinked(db: &impl Db, ids: &[Uuid]) -> Result<Vec<Stored>, Error> {
    prepared::query(db, &UNLINKED, &[&ids]).await?.iter().map(Stored::read).collect()
}

pub(crate) async fn absent(db: &impl Db, ids: &[Uuid]) -> Result<AHashSet<Uuid>, Error> {
    prepared::query(db, ABSENT, &[&ids]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// A link that is to be stored.
pub(crate) struct Made {
    pub(crate) seq: i64,
    pub(crate) event: Uuid,
    pub(crate) hash: Hash,
    pub(crate) adopted: bool,
}

pub(crate) async fn append(db: &impl Db, stream: Uuid, made: &[Made]) -> Result<(), Error> {
    let seqs: Vec<_> = made.iter().map(|link| link.seq).collect();
    let events: Vec<_> = made.iter().map(|link| link.event).collect();
    let hashes: Vec<_> = made.iter().map(|link| &link.hash[..]).collect();
    let adopted: Vec<_> = made.iter().map(|link| link.adopted).collect();
    if !made.is_empty() {
        prepared::execute(db, APPEND, &[&stream, &seqs, &events, &hashes, &adopted]).await?;
    }
    Ok(())
}

pub(crate) async fn last(db: &impl Db, stream: Uuid) -> Result<Option<Place>, Error> {
    place(db.query_opt(LAST, &[&stream]).await?.as_ref())
}

pub(crate) async fn newest(db: &impl Db) -> Result<Option<Place>, Error> {
    place(db.query_opt(NEWEST, &[]).await?.as_ref())
}

pub(crate) async fn begin(db: &impl Db, stream: Uuid, opened_at: Timestamp, after: Option<Place>) -> Result<(), Error> {
    let (other, seq) = (after.map(|place| place.stream), after.map(|place| place.seq));
    let hash = after.map(|place| place.hash.to_vec());
    db.execute(BEGIN, &[&stream, &At(opened_at), &other, &seq, &hash]).await?;
    Ok(())
}

pub(crate) async fn opened(db: &impl Db, stream: Uuid) -> Result<Option<Opened>, Error> {
    let Some(row) = db.query_opt(OPENED, &[&stream]).await? else { return Ok(None) };
    Ok(Some((row.try_get::<_, At>("opened_at")?.0, place(Some(&row))?)))
}

pub(crate) async fn streams(db: &impl Db) -> Result<Vec<(Uuid, Opened)>, Error> {
    let rows = db.query(STREAMS, &[]).await?;
    let read = |row: &Row| Ok((row.try_get("id")?, (row.try_get::<_, At>("opened_at")?.0, place(Some(row))?)));
    rows.iter().map(read).collect()
}

pub(crate) async fn unsigned(db: &impl Db, but: Uuid) -> Result<Vec<Place>, Error> {
    let rows = db.query(UNSIGNED, &[&but]).await?;
    rows.iter().filter_map(|row| place(Some(row)).transpose()).collect()
}

pub(crate) async fn orphans(db: &impl Db, since: Timestamp, before: Timestamp) -> Result<Vec<Uuid>, Error> {
    db.query(ORPHANS, &[&At(since), &At(before)]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// A link and the event it is of. None: there is no such event.
pub(crate) struct Link {
    pub(crate) seq: i64,
    pub(crate) event: Uuid,
    pub(crate) hash: Hash,
    pub(crate) adopted: bool,
    pub(crate) stored: Option<Stored>,
}

pub(crate) async fn page(db: &impl Db, stream: Uuid, after: i64, most: i64) -> Result<Vec<Link>, Error> {
    let read = |row: &Row| {
        let there = row.try_get::<_, Option<Uuid>>("id")?.is_some();
        Ok(Link {
            seq: row.try_get("seq")?,
            event: row.try_get("event_id")?,
            hash: hash(row.try_get("hash")?)?,
            adopted: row.try_get("adopted")?,
            stored: there.then(|| Stored::read(row)).transpose()?,
        })
    };
    db.query(&*PAGE, &[&stream, &after, &most]).await?.iter().map(read).collect()
}

/// The columns `stream`, `seq` and `hash`, unless they are null.
fn place(row: Option<&Row>) -> Result<Option<Place>, Error> {
    let Some(row) = row else { return Ok(None) };
    let Some(stream) = row.try_get("stream")? else { return Ok(None) };
    Ok(Some(Place { stream, seq: row.try_get("seq")?, hash: hash(row.try_get("hash")?)? }))
}

fn hash(bytes: &[u8]) -> Result<Hash, Error> {
    bytes.try_into().map_err(|_| Error::Column("hash"))
}
