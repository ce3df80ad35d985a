use tokio_postgres::{Client, Row};
use vitals::{AgeClass, Device, DeviceKey, DeviceKind, DeviceName, DeviceProfile, Realm};

use super::{Credential, CredentialKind, Roster};
use crate::time::At;
use crate::{Db, Error};

macro_rules! devices {
    () => {
        "SELECT key, external_id, kind, profile, age_class, realm, gateway_key, enrolled_at, revoked_at IS NOT NULL FROM devices"
    };
}

macro_rules! credentials {
    () => {
        "SELECT device_key, kind, digest, not_before, not_after, revoked_at IS NOT NULL FROM device_credentials"
    };
}

const REVISION: &str = "-- roster::revision
    SELECT revision, removal FROM roster_revision";

const DEVICES: &str = concat!(
    "-- roster::load
    ",
    devices!()
);

const CREDENTIALS: &str = concat!(
    "-- roster::load
    ",
    credentials!()
);

const NEWER: &str = concat!(
    "-- roster::newer
    ",
    devices!(),
    " WHERE revision > $1"
);

/// All the credentials of each device of which one was written.
const NEWER_CREDENTIALS: &str = concat!(
    "-- roster::newer
    ",
    credentials!(),
    " WHERE device_key IN (SELECT device_key FROM device_credentials WHERE revision > $1)"
);

const FIND: &str = concat!(
    "-- roster::find
    ",
    devices!(),
    " WHERE external_id = $1"
);

const FIND_CREDENTIALS: &str = concat!(
    "-- roster::find
    ",
    credentials!(),
    " WHERE device_key = $1"
);

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] =
    &[REVISION, DEVICES, CREDENTIALS, NEWER, NEWER_CREDENTIALS, FIND, FIND_CREDENTIALS];

pub async fn load(db: &Client) -> Result<Roster, Error> {
    // The revision first: a change in between is then read again rather than missed.
    let (revision, _) = revision(db).await?;
    let devices = db.query(DEVICES, &[]).await?.iter().map(device).collect::<Result<_, _>>()?;
    let credentials = db.query(CREDENTIALS, &[]).await?.iter().map(credential).collect::<Result<_, _>>()?;
    Ok(Roster::new(revision, devices, credentials))
}

/// What became of `known` since; None: nothing. Reads the rows that were written, not the whole.
pub(super) async fn newer(db: &Client, known: &Roster) -> Result<Option<Roster>, Error> {
    let (revision, removal) = revision(db).await?;
    if revision == known.revision() {
        return Ok(None);
    }
    if removal > known.revision() {
        return load(db).await.map(Some);
    }
    let since = known.revision();
    let devices = db.query(NEWER, &[&since]).await?.iter().map(device).collect::<Result<_, _>>()?;
    let credentials = db.query(NEWER_CREDENTIALS, &[&since]).await?.iter().map(credential).collect::<Result<_, _>>()?;
    Ok(Some(known.with(revision, devices, credentials)))
}

/// One device as the database has it this moment, for a client that the roster does not know yet.
pub async fn find(db: &impl Db, name: &str) -> Result<Option<(Device, Vec<Credential>)>, Error> {
    let Some(row) = db.query_opt(FIND, &[&name]).await? else { return Ok(None) };
    let device = device(&row)?;
    let rows = db.query(FIND_CREDENTIALS, &[&device.key.0]).await?;
    let credentials = rows.iter().map(|row| Ok(credential(row)?.1)).collect::<Result<_, Error>>()?;
    Ok(Some((device, credentials)))
}

/// The newest revision, and the newest in which rows went.
async fn revision(db: &Client) -> Result<(i64, i64), Error> {
    let row = db.query_one(REVISION, &[]).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

fn device(row: &Row) -> Result<Device, Error> {
    Ok(Device {
        key: DeviceKey(row.try_get(0)?),
        name: DeviceName::try_from(row.try_get::<_, &str>(1)?).map_err(|_| Error::Column("external_id"))?,
        kind: DeviceKind::from_word(row.try_get(2)?).ok_or(Error::Column("kind"))?,
        profile: DeviceProfile::from_word(row.try_get(3)?).ok_or(Error::Column("profile"))?,
        age_class: AgeClass::from_word(row.try_get(4)?).ok_or(Error::Column("age_class"))?,
        realm: Realm::from_word(row.try_get(5)?).ok_or(Error::Column("realm"))?,
        gateway: row.try_get::<_, Option<i32>>(6)?.map(DeviceKey),
        enrolled_at: row.try_get::<_, At>(7)?.0,
        revoked: row.try_get(8)?,
    })
}

fn credential(row: &Row) -> Result<(DeviceKey, Credential), Error> {
    let credential = Credential {
        kind: CredentialKind::from_word(row.try_get(1)?).ok_or(Error::Column("kind"))?,
        digest: row.try_get::<_, &[u8]>(2)?.try_into().map_err(|_| Error::Column("digest"))?,
        not_before: row.try_get::<_, At>(3)?.0,
        not_after: row.try_get::<_, Option<At>>(4)?.map(|at| at.0),
        revoked: row.try_get(5)?,
    };
    Ok((DeviceKey(row.try_get(0)?), credential))
}
