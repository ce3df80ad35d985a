//! Root keys and wrapping keys, in the database of keys.

use store::{Db, Error, Row};

use super::{State, first};

/// One version of a key that wraps, wrapped itself by one root key.
pub(crate) struct WrappingRow {
    pub(crate) version: i32,
    pub(crate) wrapped: Vec<u8>,
    pub(crate) state: State,
}

const ROOTS: &str = "-- rows::roots
    SELECT check_value, state FROM root_keys";

/// Check values of the root keys that open this database.
pub(crate) async fn roots(keys: &impl Db) -> Result<Vec<(Vec<u8>, State)>, Error> {
    let rows = keys.query(ROOTS, &[]).await?;
    rows.iter().map(|row| Ok((first(row)?, State::read(row, 1, "root_keys.state")?))).collect()
}

const ADD_ROOT: &str = "-- rows::add_root
    INSERT INTO root_keys (check_value, state) VALUES ($1, 'active')
    ON CONFLICT (check_value) DO UPDATE SET state = 'active'";

/// One that was on its way out may come back: a rotation that was broken off is undone by rotating the other way.
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
    DELETE FROM wrapped_keys USING root_keys
    WHERE root_keys.check_value = wrapped_keys.check_value AND state = 'retired' AND root_keys.check_value <> $1";
const REMOVE_ROOTS: &str = "-- rows::remove_retired_roots
    DELETE FROM root_keys WHERE state = 'retired' AND check_value <> $1";

/// Never the one that stays, whatever its state says: without it everything is lost.
pub(crate) async fn remove_retired_roots(keys: &impl Db, stays: &[u8]) -> Result<(), Error> {
    keys.execute(UNWRAP_BY_RETIRED_ROOTS, &[&stays]).await?;
    keys.execute(REMOVE_ROOTS, &[&stays]).await?;
    Ok(())
}

#[cfg(feature = "testing")]
pub(super) const STATEMENTS: &[&str] = &[
    ROOTS,
    ADD_ROOT,
    WRAPPING,
    ADD_WRAPPING,
    ADD_WRAPPED,
    RETIRE_WRAPPING,
    ACTIVATE_WRAPPING,
    UNWRAP_RETIRED,
    REMOVE_RETIRED,
    RETIRE_ROOTS,
    UNWRAP_BY_RETIRED_ROOTS,
    REMOVE_ROOTS,
];
