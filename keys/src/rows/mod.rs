//! Every statement of this crate. Functions over `&impl Db`; what they read is still wrapped.

mod patients;
mod system;
mod wrapping;

use store::types::FromSql;
use store::{Db, Error, Row};

pub(crate) use patients::*;
pub(crate) use system::*;
pub(crate) use wrapping::*;

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

/// On the database of keys, and on the main one.
#[cfg(feature = "testing")]
pub(crate) fn statements() -> (Vec<&'static str>, Vec<&'static str>) {
    let own = &[LOCK, GENERATION, ANNOUNCE, BEHIND, SAY, TAKE_BACK, ROTATE_ALONE];
    ([own, wrapping::STATEMENTS, patients::OF_KEYS].concat(), [system::STATEMENTS, patients::OF_MAIN].concat())
}

fn first<'a, T: FromSql<'a>>(row: &'a Row) -> Result<T, Error> {
    Ok(row.try_get(0)?)
}
