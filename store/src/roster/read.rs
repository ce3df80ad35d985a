use tokio_postgres::Row;
use vitals::{AgeClass, Device, DeviceKey, DeviceKind, DeviceName, DeviceProfile, Realm};

use super::{Credential, CredentialKind, Roster};
use crate::time::At;
use crate::{Db, Error};

const REVISION: &str = "-- roster::revision
    SELECT revision FROM roster_revision";

const DEVICES: &str = "-- roster::load
    SELECT key, external_id, kind, profile, age_class, realm, gateway_key, enrolled_at, revoked_at IS NOT NULL FROM devices";

const CREDENTIALS: &str = "-- roster::load
    SELECT device_key, kind, digest, not_before, not_after, revoked_at IS NOT NULL FROM device_credentials";

const FIND: &str = "-- roster::find
    SELECT key, external_id, kind, profile, age_class, realm, gateway_key, enrolled_at, revoked_at IS NOT NULL FROM devices
    WHERE external_id = $1";

const FIND_CREDENTIALS: &str = "-- roster::find
    SELECT device_key, kind, digest, not_before, not_after, revoked_at IS NOT NULL FROM device_credentials
    WHERE device_key = $1";

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[REVISION, DEVICES, CREDENTIALS, FIND, FIND_CREDENTIALS];

pub async fn load(db: &impl Db) -> Result<Roster, Error> {
    // The revision first: a change in between is then read again rather than missed.
    let revision = revision(db).await?;
    let devices = db.query(DEVICES, &[]).await?.iter().map(device).collect::<Result<_, _>>()?;
    let credentials = db.query(CREDENTIALS, &[]).await?.iter().map(credential).collect::<Result<_, _>>()?;
    Ok(Roster::new(revision, devices, credentials))
}

/// One device as the database has it this moment, for a client that the roster does not know yet.
pub async fn find(db: &impl Db, name: &str) -> Result<Option<(Device, Vec<Credential>)>, Error> {
    let Some(row) = db.query_opt(FIND, &[&name]).await? else { return Ok(None) };
    let device = device(&row)?;
    let rows = db.query(FIND_CREDENTIALS, &[&device.key.0]).await?;
    let credentials = rows.iter().map(|row| Ok(credential(row)?.1)).collect::<Result<_, Error>>()?;
    Ok(Some((device, credentials)))
}

pub(super) async fn revision(db: &impl Db) -> Result<i64, Error> {
    Ok(db.query_one(REVISION, &[]).await?.try_get(0)?)
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
