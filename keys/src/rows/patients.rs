//! Keys of patients, in the database of keys, and what they are found by, in the main one.

use store::time::At;
use store::{Db, Error};
use uuid::Uuid;
use vitals::{PatientId, Timestamp};

use super::first;

const PATIENT: &str = "-- rows::patient
    SELECT wrapped FROM patient_keys WHERE patient_id = $1";

/// None: no row. The row of a key that was destroyed has nothing wrapped.
pub(crate) async fn patient(keys: &impl Db, patient: PatientId) -> Result<Option<Option<Vec<u8>>>, Error> {
    keys.query_opt(PATIENT, &[&patient.0]).await?.as_ref().map(first).transpose()
}

/// Nothing where the wrapping key is not the active one any more: whoever sweeps its rows has begun, and would miss this
/// one. The lock makes the one who ends its activity wait for us, or us for him.
const ADD_PATIENT: &str = "-- rows::add_patient
    WITH active AS (SELECT version FROM wrapping_keys WHERE version = $2 AND state = 'active' FOR SHARE)
    INSERT INTO patient_keys (patient_id, wrapping_version, wrapped) SELECT $1, version, $3 FROM active
    ON CONFLICT DO NOTHING";

/// Whether a row was made: not where there is one, nor where `version` is not the active one.
pub(crate) async fn add_patient(
    keys: &impl Db,
    patient: PatientId,
    version: i32,
    wrapped: &[u8],
) -> Result<bool, Error> {
    Ok(keys.execute(ADD_PATIENT, &[&patient.0, &version, &wrapped]).await? == 1)
}

const PATIENTS_AFTER: &str = "-- rows::patients_after
    SELECT patient_id, wrapped FROM patient_keys WHERE $1::uuid IS NULL OR patient_id > $1 ORDER BY patient_id LIMIT $2";

/// In the order of their ids. Nothing is wrapped of a key that was destroyed.
pub(crate) async fn patients_after(
    keys: &impl Db,
    after: Option<PatientId>,
    limit: i64,
) -> Result<Vec<(PatientId, Option<Vec<u8>>)>, Error> {
    let rows = keys.query(PATIENTS_AFTER, &[&after.map(|patient| patient.0), &limit]).await?;
    rows.iter().map(|row| Ok((PatientId(first(row)?), row.try_get(1)?))).collect()
}

const PATIENTS_NOT_BY: &str = "-- rows::patients_not_by
    SELECT patient_id, wrapped FROM patient_keys WHERE wrapping_version <> $1 LIMIT $2 FOR UPDATE";

/// Keys that another version wraps; nobody changes them until the transaction ends.
pub(crate) async fn patients_not_by(
    keys: &impl Db,
    version: i32,
    limit: i64,
) -> Result<Vec<(PatientId, Vec<u8>)>, Error> {
    let rows = keys.query(PATIENTS_NOT_BY, &[&version, &limit]).await?;
    rows.iter().map(|row| Ok((PatientId(first(row)?), row.try_get(1)?))).collect()
}

const FORGET_TOKENS: &str = "-- rows::forget_tokens
    SELECT forget_tokens($1)";

/// Violates `patients_legal_hold` or `patients_exists` where it cannot be.
pub(crate) async fn forget_tokens(main: &impl Db, patient: PatientId) -> Result<(), Error> {
    main.execute(FORGET_TOKENS, &[&patient.0]).await?;
    Ok(())
}

/// One that was destroyed before keeps its moment.
const DESTROY_PATIENT: &str = "-- rows::destroy_patient
    UPDATE patient_keys SET wrapped = NULL, wrapping_version = NULL, destroyed_at = $2
    WHERE patient_id = $1 AND destroyed_at IS NULL";
const DESTROYED_AT: &str = "-- rows::destroy_patient
    SELECT destroyed_at FROM patient_keys WHERE patient_id = $1";

/// When it was destroyed. None: there is no key.
pub(crate) async fn destroy_patient(
    keys: &impl Db,
    patient: PatientId,
    now: Timestamp,
) -> Result<Option<Timestamp>, Error> {
    keys.execute(DESTROY_PATIENT, &[&patient.0, &At(now)]).await?;
    let row = keys.query_opt(DESTROYED_AT, &[&patient.0]).await?;
    Ok(row.as_ref().map(first::<At>).transpose()?.map(|at| at.0))
}

/// Rows whose token is of another version than `$1`. A payload in quarantine is looked for by nobody: what repeats one from
/// before begins a row of its own.
const TOKENS_NOT_OF: &str = "-- rows::tokens_not_of
    SELECT (SELECT count(*) FROM patient_identifiers WHERE key_version <> $1)
        + (SELECT count(*) FROM patient_tokens WHERE key_version <> $1)
        + (SELECT count(*) FROM encounters WHERE visit_key_version <> $1)";

pub(crate) async fn tokens_not_of(main: &impl Db, version: i32) -> Result<i64, Error> {
    first(&main.query_one(TOKENS_NOT_OF, &[&version]).await?)
}

const REWRAP_PATIENTS: &str = "-- rows::rewrap_patients
    UPDATE patient_keys SET wrapping_version = $1, wrapped = again.wrapped
    FROM unnest($2::uuid[], $3::bytea[]) AS again (patient_id, wrapped)
    WHERE patient_keys.patient_id = again.patient_id AND destroyed_at IS NULL";

pub(crate) async fn rewrap_patients(
    keys: &impl Db,
    version: i32,
    again: &[(PatientId, Vec<u8>)],
) -> Result<u64, Error> {
    let (patients, wrapped): (Vec<Uuid>, Vec<&[u8]>) = again.iter().map(|(who, key)| (who.0, key.as_slice())).unzip();
    Ok(keys.execute(REWRAP_PATIENTS, &[&version, &patients, &wrapped]).await?)
}

#[cfg(feature = "testing")]
pub(super) const OF_KEYS: &[&str] =
    &[PATIENT, ADD_PATIENT, PATIENTS_AFTER, PATIENTS_NOT_BY, DESTROY_PATIENT, DESTROYED_AT, REWRAP_PATIENTS];

#[cfg(feature = "testing")]
pub(super) const OF_MAIN: &[&str] = &[FORGET_TOKENS, TOKENS_NOT_OF];
