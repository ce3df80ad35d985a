use store::alarms::AlarmRow;
use store::time::At;
use store::{Db, Error};
use uuid::Uuid;
use vitals::PatientId;

/// Row-level security leaves those who may be seen.
const SUBJECTS: &str = "-- portal::alarms::subjects
    SELECT DISTINCT patient_id FROM device_assignments
    JOIN unnest($1::int4[], $2::timestamptz[]) AS onset (device_key, at) USING (device_key)
    WHERE superseded_at IS NULL AND during @> onset.at LIMIT 10000";

/// On whom the devices of these alarms were at their onset.
pub(super) async fn subjects(db: &impl Db, alarms: &[AlarmRow]) -> Result<Vec<PatientId>, Error> {
    let onsets = alarms.iter().filter_map(|alarm| Some((alarm.device?.0, At(alarm.onset_at))));
    let (devices, at): (Vec<_>, Vec<_>) = onsets.unzip();
    let rows = db.query(SUBJECTS, &[&devices, &at]).await?;
    rows.iter().map(|row| Ok(PatientId(row.try_get::<_, Uuid>(0)?))).collect()
}
