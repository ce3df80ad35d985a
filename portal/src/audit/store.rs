use std::net::IpAddr;

use store::time::At;
use store::{Db, Error};
use uuid::Uuid;

use super::record::Record;

/// One statement, so that its events and their subjects commit together and in one round trip. An event that is there
/// already is passed over: what was spooled may have been committed before its answer was lost.
const INSERT: &str = "-- portal::audit::insert
    WITH event AS (
        INSERT INTO audit_events (id, at, realm, user_id, role, session_id, station_id, system_part, purpose, category,
            action, outcome, endpoint, address, entity_kind, entity_id, entity_version, detail_sealed, correlation_id)
        SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::uuid[], $5::text[], $6::uuid[], $7::uuid[],
            $8::text[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::inet[], $15::text[],
            $16::uuid[], $17::int4[], $18::bytea[], $19::uuid[])
        ON CONFLICT DO NOTHING
    )
    INSERT INTO audit_subjects (event_id, patient_id, at)
    SELECT * FROM unnest($20::uuid[], $21::uuid[], $22::timestamptz[])
    ON CONFLICT DO NOTHING";

/// Adds them, with their subjects.
pub(crate) async fn insert(db: &impl Db, records: &[Record]) -> Result<(), Error> {
    let uuids = |pick: fn(&Record) -> Option<Uuid>| records.iter().map(pick).collect::<Vec<_>>();
    let texts = |pick: fn(&Record) -> Option<&str>| records.iter().map(pick).collect::<Vec<_>>();
    let at: Vec<_> = records.iter().map(|record| At(record.at)).collect();
    let address: Vec<Option<IpAddr>> = records.iter().map(|record| record.address).collect();
    let version: Vec<_> = records.iter().map(|record| record.entity.version).collect();
    let detail: Vec<_> = records.iter().map(|record| record.detail_sealed.as_deref()).collect();
    let subjects = || records.iter().flat_map(|record| record.subjects.iter().map(move |patient| (record, patient.0)));
    let event: Vec<_> = subjects().map(|(record, _)| record.id.0).collect();
    let patient: Vec<_> = subjects().map(|(_, patient)| patient).collect();
    let subject_at: Vec<_> = subjects().map(|(record, _)| At(record.at)).collect();
    db.execute(
        INSERT,
        &[
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
            &event,
            &patient,
            &subject_at,
        ],
    )
    .await?;
    Ok(())
}
