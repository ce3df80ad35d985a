use std::net::IpAddr;

use store::time::At;
use store::types::ToSql;
use store::{Db, Error, Row, prepared};
use uuid::Uuid;
use vitals::Timestamp;

use super::record::Record;
use super::signer::Head;

/// One statement, so that its events and their subjects commit together and in one round trip. An event that is there
/// already is passed over: what was spooled may have been committed before its answer was lost.
macro_rules! insert {
    ($name:literal, $more_subjects:literal) => {
        concat!(
            "-- portal::audit::",
            $name,
            "
    WITH event AS (
        INSERT INTO audit_events (id, at, realm, user_id, role, session_id, station_id, system_part, purpose, category,
            action, outcome, endpoint, address, entity_kind, entity_id, entity_version, detail_sealed, correlation_id, times)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::inet[], $15::text[],
            $16::uuid[], $17::int4[], $18::bytea[], $19::uuid[], $20::int4[])
        ON CONFLICT DO NOTHING
    )
    INSERT INTO audit_subjects (event_id, patient_id, at)
    SELECT * FROM unnest($21::uuid[], $22::uuid[], $23::timestamptz[])",
            $more_subjects,
            "
    ON CONFLICT DO NOTHING"
        )
    };
}

const INSERT: &str = insert!("insert", "");

/// Only `vigil_audit` may ask who wore a device.
const INSERT_WORN: &str = insert!(
    "insert_worn",
    "
    UNION SELECT worn.event, patient, worn.at
    FROM unnest($24::uuid[], $25::int4[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[])
        AS worn (event, device, since, until, at)
    CROSS JOIN LATERAL wearers(worn.device, worn.since, worn.until) AS patient"
);

/// Adds them, with their subjects.
pub(crate) async fn insert(db: &impl Db, records: &[Record]) -> Result<(), Error> {
    let uuids = |pick: fn(&Record) -> Option<Uuid>| records.iter().map(pick).collect::<Vec<_>>();
    let texts = |pick: fn(&Record) -> Option<&str>| records.iter().map(pick).collect::<Vec<_>>();
    let at: Vec<_> = records.iter().map(|record| At(record.at)).collect();
    let address: Vec<Option<IpAddr>> = records.iter().map(|record| record.address).collect();
    let version: Vec<_> = records.iter().map(|record| record.entity.version).collect();
    let times: Vec<_> = records.iter().map(|record| record.times).collect();
    let detail: Vec<_> = records.iter().map(|record| record.detail_sealed.as_deref()).collect();
    let subjects = || records.iter().flat_map(|record| record.subjects.iter().map(move |patient| (record, patient.0)));
    let event: Vec<_> = subjects().map(|(record, _)| record.id.0).collect();
    let patient: Vec<_> = subjects().map(|(_, patient)| patient).collect();
    let subject_at: Vec<_> = subjects().map(|(record, _)| At(record.at)).collect();
    let asked: [&(dyn ToSql + Sync); 23] = [
        &uuids(|record| Some(record.id.0)),
        &at,
        &texts(|record| record.realm.map(vitals::Realm::word)),
        &uuids(|record| record.agent.user.map(|user| user.0)),
        &texts(|record| record.agent.role.as_deref()),
        &uuids(|record| record.agent.session.map(|session| session.0)),
        &uuids(|record| record.agent.station.map(|station| station.0)),
        &texts(|record| record.agent.part.as_deref()),
        &texts(|record| Some(record.purpose.word())),
        &texts(|record| Some(record.category.word())),
        &texts(|record| Some(record.action.word())),
        &texts(|record| Some(record.outcome.word())),
        &texts(|record| record.endpoint.as_deref()),
        &address,
        &texts(|record| Some(record.entity.kind.word())),
        &uuids(|record| record.entity.id),
        &version,
        &detail,
        &uuids(|record| Some(record.correlation.0)),
        &times,
        &event,
        &patient,
        &subject_at,
    ];
    let worn: Vec<_> = records.iter().filter_map(|record| Some((record, record.worn?))).collect();
    if worn.is_empty() {
        prepared::execute(db, INSERT, &asked).await?;
        return Ok(());
    }
    let event: Vec<_> = worn.iter().map(|(record, _)| record.id.0).collect();
    let device: Vec<_> = worn.iter().map(|(_, worn)| worn.device.0).collect();
    let from: Vec<_> = worn.iter().map(|(_, worn)| At(worn.from)).collect();
    let to: Vec<_> = worn.iter().map(|(_, worn)| At(worn.to)).collect();
    let at: Vec<_> = worn.iter().map(|(record, _)| At(record.at)).collect();
    let of_worn: [&(dyn ToSql + Sync); 5] = [&event, &device, &from, &to, &at];
    db.execute(INSERT_WORN, &[&asked[..], &of_worn].concat()).await?;
    Ok(())
}

const ADD_HEAD: &str = "-- portal::audit::add_head
    INSERT INTO audit_heads (stream, seq, hash, signature, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

const HEADS: &str = "-- portal::audit::heads
    SELECT stream, seq, hash, signature, at FROM audit_heads ORDER BY stream, seq";

pub(crate) async fn add_head(db: &impl Db, head: &Head) -> Result<(), Error> {
    let Head { stream, seq, hash, at, signature } = head;
    db.execute(ADD_HEAD, &[stream, seq, &&hash[..], &&signature[..], &At(*at)]).await?;
    Ok(())
}

pub(crate) async fn heads(db: &impl Db) -> Result<Vec<Head>, Error> {
    db.query(HEADS, &[]).await?.iter().map(read_head).collect()
}

fn read_head(row: &Row) -> Result<Head, Error> {
    let hash: &[u8] = row.try_get("hash")?;
    let signature: &[u8] = row.try_get("signature")?;
    Ok(Head {
        stream: row.try_get("stream")?,
        seq: row.try_get("seq")?,
        hash: hash.try_into().map_err(|_| Error::Column("hash"))?,
        at: row.try_get::<_, At>("at")?.0,
        // Of another length it is none, and is found to be none.
        signature: signature.try_into().unwrap_or([0; 64]),
    })
}

/// The newest of those that are not later: more than one, since one that somebody made up is passed over.
const NEWEST_HEADS: &str = "-- portal::audit::newest_heads
    SELECT stream, seq, hash, signature, at FROM audit_heads WHERE at <= $1 ORDER BY at DESC LIMIT 32";

pub(crate) async fn newest_heads(db: &impl Db, until: Timestamp) -> Result<Vec<Head>, Error> {
    db.query(NEWEST_HEADS, &[&At(until)]).await?.iter().map(read_head).collect()
}

const STREAMS_WITHOUT_BEGINNING: &str = "-- portal::audit::streams_without_beginning
    SELECT DISTINCT stream FROM audit_links EXCEPT SELECT stream FROM audit_streams";

const UNLINKED_EVENTS: &str = "-- portal::audit::unlinked_events
    SELECT e.id, e.at FROM audit_events e WHERE NOT EXISTS (SELECT FROM audit_links l WHERE l.event_id = e.id)
    ORDER BY e.id";

pub(crate) async fn streams_without_beginning(db: &impl Db) -> Result<Vec<Uuid>, Error> {
    db.query(STREAMS_WITHOUT_BEGINNING, &[]).await?.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

pub(crate) async fn unlinked_events(db: &impl Db) -> Result<Vec<(Uuid, Timestamp)>, Error> {
    let rows = db.query(UNLINKED_EVENTS, &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get::<_, At>(1)?.0))).collect()
}
