use vitals::{AgeClass, DeviceKey, DeviceKind, DeviceName, DeviceProfile, Realm, Timestamp};

use super::CredentialKind;
use crate::time::At;
use crate::{Db, Error};

const GATEWAY: &str = "-- roster::gateway
    SELECT key FROM devices WHERE external_id = $1 AND kind = 'gateway' AND realm = $2 AND revoked_at IS NULL";

const ENROL: &str = "-- roster::enrol
    INSERT INTO devices (external_id, kind, profile, age_class, realm, gateway_key, attachment)
    VALUES ($1, $2, $3, $4, $5, $6, CASE $2 WHEN 'gateway' THEN 'gateway' ELSE 'portable' END)
    RETURNING key";

const ADD_CREDENTIAL: &str = "-- roster::add_credential
    INSERT INTO device_credentials (device_key, kind, digest, not_after) VALUES ($1, $2, $3, $4)";

const REVOKE: &str = "-- roster::revoke
    UPDATE devices SET revoked_at = now() WHERE external_id = $1 AND revoked_at IS NULL";

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[GATEWAY, ENROL, ADD_CREDENTIAL, REVOKE];

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    pub name: DeviceName,
    pub kind: DeviceKind,
    pub profile: DeviceProfile,
    pub age_class: AgeClass,
    pub realm: Realm,
    /// The gateway that may speak for it.
    pub gateway: Option<DeviceName>,
}

/// A name that is taken violates `devices_external_id_key`.
pub async fn enrol(db: &impl Db, enrolment: &Enrolment) -> Result<DeviceKey, Error> {
    let gateway: Option<i32> = match &enrolment.gateway {
        None => None,
        Some(name) => match db.query_opt(GATEWAY, &[&name.as_str(), &enrolment.realm.word()]).await? {
            Some(row) => Some(row.try_get(0)?),
            None => return Err(Error::UnknownGateway(name.clone())),
        },
    };
    let Enrolment { name, kind, profile, age_class, realm, .. } = enrolment;
    let row = db
        .query_one(ENROL, &[&name.as_str(), &kind.word(), &profile.word(), &age_class.word(), &realm.word(), &gateway])
        .await?;
    Ok(DeviceKey(row.try_get(0)?))
}

/// Valid from now on.
pub async fn add_credential(
    db: &impl Db,
    key: DeviceKey,
    kind: CredentialKind,
    digest: &[u8; 32],
    not_after: Option<Timestamp>,
) -> Result<(), Error> {
    db.execute(ADD_CREDENTIAL, &[&key.0, &kind.word(), &digest.as_slice(), &not_after.map(At)]).await?;
    Ok(())
}

/// False: no such device, or revoked before.
pub async fn revoke(db: &impl Db, name: &str) -> Result<bool, Error> {
    Ok(db.execute(REVOKE, &[&name]).await? == 1)
}
