//! Patients of a test, and what they have to do with whom, put into the database by the superuser.

use keys::{Field, Keyring};
use serde_json::json;
use store::testing::{Person, TestDatabase};
use uuid::Uuid;
use vitals::{DeviceKey, PatientId, Timestamp};

use crate::site::{Site, T0};

pub(crate) async fn somebody(database: &TestDatabase, role: &str) -> Person {
    Person::with_role(&database.pool().get().await.unwrap(), role, T0).await.unwrap()
}

const PATIENT: &str = "INSERT INTO patients (id, realm) VALUES ($1, 'live')";
const ENCOUNTER: &str = "INSERT INTO encounters (id, realm, patient_id, class, status, during, age_class)
    VALUES ($1, 'live', $2, 'inpatient', 'in_progress', '[2000-01-01,)', 'adult')";
const ASSIGNMENT: &str = "INSERT INTO device_assignments
        (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at)
    VALUES (gen_random_uuid(), 'live', $1, $2, $3, '[2000-01-01,)', 'manual', '2000-01-01')";

const LIES: &str =
    "INSERT INTO encounter_locations (id, realm, encounter_id, patient_id, location_id, physical, status, during)
    VALUES (gen_random_uuid(), 'live', $1, $2, $3, false, 'active', '[2000-01-01,)')";
const NAME: &str =
    "INSERT INTO patient_names (id, patient_id, use, sealed, valid) VALUES ($1, $2, 'official', $3, '(,)')";

const TEAM: &str = "INSERT INTO care_team (id, realm, patient_id, encounter_id, practitioner_id, role, during)
    VALUES (gen_random_uuid(), 'live', $1, $2, $3, 'nurse', '[2000-01-01,)')";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Patient {
    pub(crate) id: Uuid,
    encounter: Uuid,
}

impl Patient {
    pub(crate) async fn admit(database: &TestDatabase) -> Self {
        let patient = Self { id: Uuid::now_v7(), encounter: Uuid::now_v7() };
        let db = database.pool().get().await.unwrap();
        db.execute(PATIENT, &[&patient.id]).await.unwrap();
        db.execute(ENCOUNTER, &[&patient.encounter, &patient.id]).await.unwrap();
        patient
    }

    /// Wears this device from the beginning of time.
    pub(crate) async fn wears(&self, database: &TestDatabase, device: DeviceKey) {
        let db = database.pool().get().await.unwrap();
        db.execute(ASSIGNMENT, &[&device.0, &self.id, &self.encounter]).await.unwrap();
    }

    pub(crate) async fn lies_in(&self, database: &TestDatabase, place: Uuid) {
        let db = database.pool().get().await.unwrap();
        db.execute(LIES, &[&self.encounter, &self.id, &place]).await.unwrap();
    }

    pub(crate) async fn is_called(&self, site: &Site, given: &str, family: &str) {
        self.is_called_by(&site.deps().keyring, &site.database, given, family).await;
    }

    /// Sealed by these keys.
    pub(crate) async fn is_called_by(&self, keys: &Keyring, database: &TestDatabase, given: &str, family: &str) {
        let (row, name) = (Uuid::now_v7(), json!({"given": [given], "family": family}).to_string());
        let key = keys.make_patient(PatientId(self.id)).await.unwrap();
        let sealed = key.seal(Field::new("patient_names", "sealed"), row.as_bytes(), name.as_bytes());
        let db = database.pool().get().await.unwrap();
        db.execute(NAME, &[&row, &self.id, &sealed]).await.unwrap();
    }

    /// Wears it from then on.
    pub(crate) async fn wears_from(&self, database: &TestDatabase, device: DeviceKey, from: Timestamp) {
        let db = database.pool().get().await.unwrap();
        let insert = ASSIGNMENT.replace("'[2000-01-01,)'", "tstzrange($4::text::timestamptz, NULL)");
        db.execute(&insert, &[&device.0, &self.id, &self.encounter, &from.to_string()]).await.unwrap();
    }

    /// Wears nothing any more since then.
    pub(crate) async fn takes_off(&self, database: &TestDatabase, at: Timestamp) {
        let db = database.pool().get().await.unwrap();
        let update = "UPDATE device_assignments SET during = tstzrange(lower(during), $2::text::timestamptz)
            WHERE patient_id = $1";
        db.execute(update, &[&self.id, &at.to_string()]).await.unwrap();
    }

    /// Somebody is of his team.
    pub(crate) async fn is_cared_for_by(&self, database: &TestDatabase, person: &Person) {
        let db = database.pool().get().await.unwrap();
        db.execute(TEAM, &[&self.id, &self.encounter, &person.practitioner]).await.unwrap();
    }

    pub(crate) async fn restrict(&self, database: &TestDatabase) {
        let db = database.pool().get().await.unwrap();
        db.execute("UPDATE patients SET restricted = true WHERE id = $1", &[&self.id]).await.unwrap();
    }
}

pub(crate) async fn nobody_cares_any_more(database: &TestDatabase) {
    let db = database.pool().get().await.unwrap();
    db.execute("UPDATE care_team SET during = '[2000-01-01,2000-01-02)'", &[]).await.unwrap();
}
