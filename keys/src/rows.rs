//! Every statement of this crate. Functions over `&impl Db`; what they read is still wrapped.

use store::time::At;
use store::types::FromSql;
use store::{Db, Error, Row};
use uuid::Uuid;
use vitals::{PatientId, Timestamp};

/// Where a key is on its way through a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Known to all before anything is written with it.
    Next,
    /// What is written now.
    Active,
    /// Still opens what some rows hold.
    Retired,
}

impl State {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    fn read(row: &Row, at: usize, column: &'static str) -> Result<Self, Error> {
        let word: &str = row.try_get(at)?;
        let all = [Self::Next, Self::Active, Self::Retired];
        all.into_iter().find(|state| state.word() == word).ok_or(Error::Column(column))
    }
}

/// One version of a key that wraps, wrapped itself by one root key.
pub(crate) struct WrappingRow {
    pub(crate) version: i32,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) state: State,
}

/// One version of a key of the system or of the index.
pub(crate) struct SystemRow {
    pub(crate) id: Uuid,
    pub(crate) purpose: String,
    pub(crate) version: i32,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) state: State,
}

const LOCK: &str = "-- rows::lock
    SELECT pg_advisory_xact_lock($1)";

/// Whoever makes first keys is alone. "keys" in ASCII.
const ALONE: i64 = 0x6b65_7973;

/// Until the transaction ends.
pub(crate) async fn lock(keys: &impl Db) -> Result<(), Error> {
    keys.execute(LOCK, &[&ALONE]).await?;
    Ok(())
}

pub(crate) const GENERATION: &str = "-- rows::generation
    SELECT number FROM generation";

pub(crate) async fn generation(keys: &impl Db) -> Result<i32, Error> {
    first(&keys.query_one(GENERATION, &[]).await?)
}

const ROOTS: &str = "-- rows::roots
    SELECT check_value, state FROM root_keys";

/// Check values of the root keys that open this database.
pub(crate) async fn roots(keys: &impl Db) -> Result<Vec<(Vec<u8>, State)>, Error> {
    let rows = keys.query(ROOTS, &[]).await?;
    rows.iter().map(|row| Ok((first(row)?, State::read(row, 1, "root_keys.state")?))).collect()
}

const ADD_ROOT: &str = "-- rows::add_root
    INSERT INTO root_keys (check_value, state) VALUES ($1, 'active') ON CONFLICT DO NOTHING";

pub(crate) async fn add_root(keys: &impl Db, check_value: &[u8]) -> Result<(), Error> {
    keys.execute(ADD_ROOT, &[&check_value]).await?;
    Ok(())
}

const WRAPPING: &str = "-- rows::wrapping
    SELECT version, wrapped, state FROM wrapping_keys JOIN wrapped_keys USING (version) WHERE check_value = $1
    ORDER BY version";

pub(crate) async fn wrapping(keys: &impl Db, check_value: &[u8]) -> Result<Vec<WrappingRow>, Error> {
    let rows = keys.query(WRAPPING, &[&check_value]).await?;
    let read = |row: &Row| {
        let state = State::read(row, 2, "wrapping_keys.state")?;
        Ok(WrappingRow { version: first(row)?, wrapped: row.try_get(1)?, state })
    };
    rows.iter().map(read).collect()
}

const ADD_WRAPPING: &str = "-- rows::add_wrapping
    INSERT INTO wrapping_keys (version, state) VALUES ($1, $2)";

pub(crate) async fn add_wrapping(keys: &impl Db, version: i32, state: State) -> Result<(), Error> {
    keys.execute(ADD_WRAPPING, &[&version, &state.word()]).await?;
    Ok(())
}

const ADD_WRAPPED: &str = "-- rows::add_wrapped
    INSERT INTO wrapped_keys (version, check_value, wrapped) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";

pub(crate) async fn add_wrapped(keys: &impl Db, version: i32, root: &[u8], wrapped: &[u8]) -> Result<(), Error> {
    keys.execute(ADD_WRAPPED, &[&version, &root, &wrapped]).await?;
    Ok(())
}

/// Those that write come first, then the newest.
const SYSTEM: &str = "-- rows::system
    SELECT id, purpose, version, wrapped, state FROM system_keys WHERE state <> 'destroyed' ORDER BY (state = 'active') DESC, version DESC";

pub(crate) async fn system(main: &impl Db) -> Result<Vec<SystemRow>, Error> {
    let rows = main.query(SYSTEM, &[]).await?;
    let read = |row: &Row| {
        Ok(SystemRow {
            id: first(row)?,
            purpose: row.try_get(1)?,
            version: row.try_get(2)?,
            wrapped: row.try_get(3)?,
            state: State::read(row, 4, "system_keys.state")?,
        })
    };
    rows.iter().map(read).collect()
}

const ADD_SYSTEM: &str = "-- rows::add_system
    INSERT INTO system_keys (id, purpose, version, wrapped, state) VALUES ($1, $2, $3, $4, $5)";

pub(crate) async fn add_system(main: &impl Db, row: &SystemRow) -> Result<(), Error> {
    let SystemRow { id, purpose, version, wrapped, state } = row;
    main.execute(ADD_SYSTEM, &[id, purpose, version, wrapped, &state.word()]).await?;
    Ok(())
}

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

const REWRAP_SYSTEM: &str = "-- rows::rewrap_system
    UPDATE system_keys SET wrapped = $3 WHERE id = $1 AND wrapped = $2";

pub(crate) async fn rewrap_system(main: &impl Db, row: &SystemRow, again: &[u8]) -> Result<u64, Error> {
    Ok(main.execute(REWRAP_SYSTEM, &[&row.id, &row.wrapped, &again]).await?)
}

// Two statements each: the one active key is never two, not even for a moment.
const RETIRE_WRAPPING: &str = "-- rows::activate_wrapping
    UPDATE wrapping_keys SET state = 'retired' WHERE version <> $1";
const ACTIVATE_WRAPPING: &str = "-- rows::activate_wrapping
    UPDATE wrapping_keys SET state = 'active' WHERE version = $1";

pub(crate) async fn activate_wrapping(keys: &impl Db, version: i32) -> Result<(), Error> {
    keys.execute(RETIRE_WRAPPING, &[&version]).await?;
    keys.execute(ACTIVATE_WRAPPING, &[&version]).await?;
    Ok(())
}

const RETIRE_SYSTEM: &str = "-- rows::activate_system
    UPDATE system_keys SET state = 'retired' WHERE purpose = $1 AND version <> $2 AND state = 'active'";
const ACTIVATE_SYSTEM: &str = "-- rows::activate_system
    UPDATE system_keys SET state = 'active' WHERE purpose = $1 AND version = $2";

pub(crate) async fn activate_system(main: &impl Db, purpose: &str, version: i32) -> Result<(), Error> {
    main.execute(RETIRE_SYSTEM, &[&purpose, &version]).await?;
    main.execute(ACTIVATE_SYSTEM, &[&purpose, &version]).await?;
    Ok(())
}

const DESTROY_RETIRED_SYSTEM: &str = "-- rows::destroy_retired_system
    UPDATE system_keys SET state = 'destroyed', wrapped = NULL WHERE purpose = $1 AND state = 'retired'";

pub(crate) async fn destroy_retired_system(main: &impl Db, purpose: &str) -> Result<(), Error> {
    main.execute(DESTROY_RETIRED_SYSTEM, &[&purpose]).await?;
    Ok(())
}

const UNWRAP_RETIRED: &str = "-- rows::remove_retired_wrapping
    DELETE FROM wrapped_keys USING wrapping_keys WHERE wrapping_keys.version = wrapped_keys.version AND state = 'retired'";
const REMOVE_RETIRED: &str = "-- rows::remove_retired_wrapping
    DELETE FROM wrapping_keys WHERE state = 'retired'";

/// Refused by a constraint while a patient's key needs one of them.
pub(crate) async fn remove_retired_wrapping(keys: &impl Db) -> Result<(), Error> {
    keys.execute(UNWRAP_RETIRED, &[]).await?;
    keys.execute(REMOVE_RETIRED, &[]).await?;
    Ok(())
}

const RETIRE_ROOTS: &str = "-- rows::retire_roots_but
    UPDATE root_keys SET state = 'retired' WHERE check_value <> $1";

pub(crate) async fn retire_roots_but(keys: &impl Db, check_value: &[u8]) -> Result<(), Error> {
    keys.execute(RETIRE_ROOTS, &[&check_value]).await?;
    Ok(())
}

const UNWRAP_BY_RETIRED_ROOTS: &str = "-- rows::remove_retired_roots
    DELETE FROM wrapped_keys USING root_keys WHERE root_keys.check_value = wrapped_keys.check_value AND state = 'retired'";
const REMOVE_ROOTS: &str = "-- rows::remove_retired_roots
    DELETE FROM root_keys WHERE state = 'retired'";

pub(crate) async fn remove_retired_roots(keys: &impl Db) -> Result<(), Error> {
    keys.execute(UNWRAP_BY_RETIRED_ROOTS, &[]).await?;
    keys.execute(REMOVE_ROOTS, &[]).await?;
    Ok(())
}

/// Answered at commit, and heard then. One statement: whoever hears of it reads the new count.
const ANNOUNCE: &str = "-- rows::announce
    WITH raised AS (UPDATE generation SET number = number + 1 RETURNING number)
    SELECT number, pg_notify($1, '') FROM raised";

/// Where changes are announced.
pub(crate) const CHANNEL: &str = "vigil_keys";

pub(crate) async fn announce(keys: &impl Db) -> Result<i32, Error> {
    first(&keys.query_one(ANNOUNCE, &[&CHANNEL]).await?)
}

/// Sessions that say that they know an older count. Two locks of int4 have an `objsubid` of 2.
const BEHIND: &str = "-- rows::behind
    SELECT count(*) FROM (
        SELECT FROM pg_locks WHERE locktype = 'advisory' AND classid = $1 AND objsubid = 2
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        GROUP BY pid HAVING max(objid) < $2
    ) behind";

/// The class of the locks by which processes say what they know. "Keys" in ASCII.
pub(crate) const KNOWN: i32 = 0x4b65_7973;

pub(crate) async fn behind(keys: &impl Db, generation: i32) -> Result<i64, Error> {
    first(&keys.query_one(BEHIND, &[&KNOWN.cast_unsigned(), &generation.cast_unsigned()]).await?)
}

pub(crate) const SAY: &str = "-- rows::say
    SELECT pg_advisory_lock_shared($1, $2)";
pub(crate) const TAKE_BACK: &str = "-- rows::take_back
    SELECT pg_advisory_unlock_shared($1, $2)";

pub(crate) const ROTATE_ALONE: &str = "-- rows::rotate_alone
    SELECT pg_try_advisory_lock($1)";

/// Held by whoever rotates. "rotate" in ASCII.
pub(crate) const ROTATING: i64 = 0x726f_7461_7465;

#[cfg(feature = "testing")]
pub(crate) const OF_KEYS: &[&str] = &[
    LOCK,
    GENERATION,
    ROOTS,
    ADD_ROOT,
    WRAPPING,
    ADD_WRAPPING,
    ADD_WRAPPED,
    PATIENT,
    ADD_PATIENT,
    PATIENTS_AFTER,
    PATIENTS_NOT_BY,
    DESTROY_PATIENT,
    DESTROYED_AT,
    REWRAP_PATIENTS,
    RETIRE_WRAPPING,
    ACTIVATE_WRAPPING,
    UNWRAP_RETIRED,
    REMOVE_RETIRED,
    RETIRE_ROOTS,
    UNWRAP_BY_RETIRED_ROOTS,
    REMOVE_ROOTS,
    ANNOUNCE,
    BEHIND,
    SAY,
    TAKE_BACK,
    ROTATE_ALONE,
];

#[cfg(feature = "testing")]
pub(crate) const OF_MAIN: &[&str] = &[
    SYSTEM,
    ADD_SYSTEM,
    FORGET_TOKENS,
    TOKENS_NOT_OF,
    REWRAP_SYSTEM,
    RETIRE_SYSTEM,
    ACTIVATE_SYSTEM,
    DESTROY_RETIRED_SYSTEM,
];

fn first<'a, T: FromSql<'a>>(row: &'a Row) -> Result<T, Error> {
    Ok(row.try_get(0)?)
}
