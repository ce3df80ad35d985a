use store::{Db, Error};
use uuid::Uuid;
use vitals::Timestamp;

use super::REALM;
use super::staff::new_id;

const HOSPITAL: &str = "Vigil Demo Hospital";
const SITE: &str = "Demo";

/// As written on its door.
pub(super) const UNIT: &str = "3-East";

const PROFILE: &str = "Demo ward";

const FIND: &str = "-- portal::demo::find
    SELECT l.id, l.org_id FROM locations l JOIN organizations o ON o.id = l.org_id
    WHERE l.realm = $1 AND l.kind = 'unit' AND l.code = $2 AND o.name = $3 LIMIT 1";

const ORGANIZATION: &str = "-- portal::demo::organization
    INSERT INTO organizations (id, realm, kind, name) VALUES ($1, $2, 'facility', $3)";

const ADD_PROFILE: &str = "-- portal::demo::profile
    INSERT INTO profiles (id, age_class, name) VALUES ($1, 'adult', $2) ON CONFLICT (age_class, name) DO NOTHING";

const LOCATION: &str = "-- portal::demo::location
    INSERT INTO locations (id, realm, org_id, parent_id, kind, code, tz, default_profile_id)
    VALUES ($1, $2, $3, $4, $5, $6, CASE $5 WHEN 'site' THEN 'Etc/UTC' END,
        CASE $5 WHEN 'unit' THEN (SELECT id FROM profiles WHERE age_class = 'adult' AND name = $7) END)";

const ROOM: &str = "-- portal::demo::room
    SELECT id FROM locations WHERE parent_id = $1 AND kind = 'room' AND code = $2";

const HAS_STATION: &str = "-- portal::demo::has_station
    SELECT EXISTS (SELECT FROM stations WHERE location_id = $1 AND name = $2)";

pub(super) struct Ward {
    pub(super) org: Uuid,
    pub(super) unit: Uuid,
}

pub(super) async fn find(db: &impl Db) -> Result<Option<Ward>, Error> {
    let row = db.query_opt(FIND, &[&REALM.word(), &UNIT, &HOSPITAL]).await?;
    row.map(|row| Ok(Ward { unit: row.try_get(0)?, org: row.try_get(1)? })).transpose()
}

pub(super) async fn make(db: &impl Db, now: Timestamp) -> Result<Ward, Error> {
    let org = new_id(now);
    db.execute(ORGANIZATION, &[&org, &REALM.word(), &HOSPITAL]).await?;
    db.execute(ADD_PROFILE, &[&new_id(now), &PROFILE]).await?;
    let site = place(db, org, None, "site", SITE, now).await?;
    Ok(Ward { org, unit: place(db, org, Some(site), "unit", UNIT, now).await? })
}

impl Ward {
    /// A bed in the room of this number, which is made where there is none.
    pub(super) async fn bed(&self, db: &impl Db, room: u32, code: &str, now: Timestamp) -> Result<Uuid, Error> {
        let number = room.to_string();
        let room = match db.query_opt(ROOM, &[&self.unit, &number]).await? {
            Some(row) => row.try_get(0)?,
            None => place(db, self.org, Some(self.unit), "room", &number, now).await?,
        };
        place(db, self.org, Some(room), "bed", code, now).await
    }
}

async fn place(
    db: &impl Db,
    org: Uuid,
    parent: Option<Uuid>,
    kind: &str,
    code: &str,
    now: Timestamp,
) -> Result<Uuid, Error> {
    let id = new_id(now);
    db.execute(LOCATION, &[&id, &REALM.word(), &org, &parent, &kind, &code, &PROFILE]).await?;
    Ok(id)
}

/// A station that was revoked counts: whoever revoked it meant it.
pub(super) async fn has_station(db: &impl Db, unit: Uuid, name: &str) -> Result<bool, Error> {
    Ok(db.query_one(HAS_STATION, &[&unit, &name]).await?.try_get(0)?)
}
