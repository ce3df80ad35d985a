use store::time::At;
use store::{Db, Error, prepared};
use uuid::Uuid;
use vitals::{DeviceKey, PatientId, Timestamp};

const WORN: &str = "-- portal::trends::worn
    SELECT d.id, s.patient_id, s.standing FROM devices d LEFT JOIN LATERAL device_subjects($1, $2, $3) s ON true
    WHERE d.key = $1 LIMIT 10000";

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
    let rows = prepared::query(db, WORN, &[&device.0, &At(from), &At(to)]).await?;
    let id = rows.first().ok_or(Error::Column("devices.key"))?.try_get(0)?;
    let mut worn = Worn { device: id, seen: Vec::new(), unrelated: false, restricted: false };
    for row in rows {
        match (row.try_get::<_, Option<Uuid>>(1)?, row.try_get(2)?) {
            (Some(patient), _) => worn.seen.push(PatientId(patient)),
            (None, Some("no_relation")) => worn.unrelated = true,
            (None, Some(_)) => worn.restricted = true,
            // On nobody.
            (None, None) => {}
        }
    }
    Ok(worn)
}
