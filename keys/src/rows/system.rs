//! Keys of the system and of the index, in the main database.

use store::{Db, Error, Row};
use uuid::Uuid;

use super::{State, first};

/// One version of a key of the system or of the index.
pub(crate) struct SystemRow {
    pub(crate) id: Uuid,
    pub(crate) purpose: String,
    pub(crate) version: i32,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) state: State,
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

const REWRAP_SYSTEM: &str = "-- rows::rewrap_system
    UPDATE system_keys SET wrapped = $3 WHERE id = $1 AND wrapped = $2";

pub(crate) async fn rewrap_system(main: &impl Db, row: &SystemRow, again: &[u8]) -> Result<u64, Error> {
    Ok(main.execute(REWRAP_SYSTEM, &[&row.id, &row.wrapped, &again]).await?)
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

#[cfg(feature = "testing")]
pub(super) const STATEMENTS: &[&str] =
    &[SYSTEM, ADD_SYSTEM, REWRAP_SYSTEM, RETIRE_SYSTEM, ACTIVATE_SYSTEM, DESTROY_RETIRED_SYSTEM];
