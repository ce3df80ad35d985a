use store::time::At;
use store::{Db, Error};
use uuid::Uuid;
use vitals::{DeviceKey, PatientId, Timestamp};

const DEVICE: &str = "-- portal::trends::device
    SELECT id FROM devices WHERE key = $1";

const SUBJECTS: &str = "-- portal::trends::subjects
    SELECT patient_id, standing FROM device_subjects($1, $2, $3) LIMIT 10000";

/// On whom a device was.
pub(super) struct Worn {
    pub(super) device: Uuid,
    /// Those who may be seen.
    pub(super) seen: Vec<PatientId>,
    /// Somebody else, to whom there is no relation.
    pub(super) unrelated: bool,
    /// Somebody else, of whom nobody is told.
    pub(super) restricted: bool,
}

pub(super) async fn worn(db: &impl Db, device: DeviceKey, from: Timestamp, to: Timestamp) -> Result<Worn, Error> {
    let id = db.query_one(DEVICE, &[&device.0]).await?.try_get(0)?;
    let mut worn = Worn { device: id, seen: Vec::new(), unrelated: false, restricted: false };
    for row in db.query(SUBJECTS, &[&device.0, &At(from), &At(to)]).await? {
        match (row.try_get::<_, Option<Uuid>>(0)?, row.try_get(1)?) {
            (Some(patient), _) => worn.seen.push(PatientId(patient)),
            (None, "no_relation") => worn.unrelated = true,
            (None, _) => worn.restricted = true,
        }
    }
    Ok(worn)
}
