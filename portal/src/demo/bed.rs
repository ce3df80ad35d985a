use keys::Keyring;
use store::time::At;
use store::types::ToSql;
use store::{Db, Error};
use uuid::Uuid;
use vitals::{PatientId, Timestamp};

use super::REALM;
use super::made::{InBed, Made};
use super::names::{Somebody, somebody};
use super::staff::{PHYSICIAN, new_id};
use super::ward::Ward;
use crate::audit::{Action, Category, Entity, EntityKind, Event};
use crate::caller::Write;
use crate::patients::{BIRTH, Identifier, MEDICAL_RECORD};
use crate::web::ApiError;

/// Each of this number of beds has nobody in it.
const EMPTY: u32 = 4;

/// In this one lies somebody of whom nobody without a relation is told.
const RESTRICTED: u32 = 5;

/// So that no two have the same number.
const NAMED: &str = "^bed-([0-9]{2}|[1-9][0-9]{2,3})$";

/// More than the demo switches on.
const BEDS: i64 = 1_000;

const DAY_MS: i64 = 86_400_000;

const WITHOUT_PLACE: &str = "-- portal::demo::without_place
    SELECT key, external_id, age_class FROM devices d
    WHERE realm = $1 AND kind = 'device' AND revoked_at IS NULL AND location_id IS NULL AND external_id ~ $2
        AND NOT EXISTS (SELECT FROM device_assignments a WHERE a.device_key = d.key AND a.superseded_at IS NULL)
    ORDER BY length(external_id), external_id LIMIT $3";

const PUT: &str = "-- portal::demo::put
    UPDATE devices SET location_id = $2, attachment = 'fixed' WHERE key = $1";

const ATTENDING: &str = "-- portal::demo::attending
    SELECT practitioner_id FROM users WHERE realm = $1 AND login = $2";

const PATIENT: &str = "-- portal::demo::patient
    INSERT INTO patients (id, realm, restricted, birth_sealed, sex) VALUES ($1, $2, $3, $4, $5)";

/// Since when he bears it would tell when he was born.
const NAME: &str = "-- portal::demo::name
    INSERT INTO patient_names (id, patient_id, use, sealed, valid) VALUES ($1, $2, 'official', $3, daterange(NULL, NULL))";

const NUMBER: &str = "-- portal::demo::number
    INSERT INTO patient_identifiers (id, realm, patient_id, issuer_org, type, value_sealed, token, key_version, valid)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, daterange(NULL, NULL))";

const ENCOUNTER: &str = "-- portal::demo::encounter
    INSERT INTO encounters (id, realm, patient_id, class, status, during, age_class, attending_id)
    VALUES ($1, $2, $3, 'inpatient', 'in_progress', tstzrange($4, NULL), $5, $6)";

const LIES: &str = "-- portal::demo::lies
    INSERT INTO encounter_locations (id, realm, encounter_id, patient_id, location_id, physical, status, during)
    VALUES ($1, $2, $3, $4, $5, true, 'active', tstzrange($6, NULL))";

const TEAM: &str = "-- portal::demo::team
    INSERT INTO care_team (id, realm, patient_id, encounter_id, practitioner_id, role, during)
    VALUES ($1, $2, $3, $4, $5, 'attending', tstzrange($6, NULL))";

const WEARS: &str = "-- portal::demo::wears
    INSERT INTO device_assignments (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at)
    VALUES ($1, $2, $3, $4, $5, tstzrange($6, NULL), 'adt', $7)";

/// A device that waits to be put beside a bed.
pub(super) struct Bed {
    device: i32,
    name: String,
    age_class: String,
    number: u32,
}

pub(super) async fn without_place(db: &impl Db) -> Result<Vec<Bed>, Error> {
    let rows = db.query(WITHOUT_PLACE, &[&REALM.word(), &NAMED, &BEDS]).await?;
    let bed = |row: &store::Row| {
        let name: String = row.try_get(1)?;
        let number = name.trim_start_matches("bed-").parse().map_err(|_| Error::Column("external_id"))?;
        Ok(Bed { device: row.try_get(0)?, name, age_class: row.try_get(2)?, number })
    };
    rows.iter().map(bed).collect()
}

impl Bed {
    /// With somebody in it, but for a few.
    pub(super) async fn fill(
        self,
        write: &Write,
        keyring: &Keyring,
        ward: &Ward,
        now: Timestamp,
    ) -> Result<(Made, Event), ApiError> {
        let place = ward.bed(write.db(), 300 + self.number.div_ceil(2), &self.name, now).await?;
        run(write.db(), PUT, &[&self.device, &place]).await?;
        if self.number.is_multiple_of(EMPTY) {
            let event = Event::new(Category::Devices, Action::Update, Entity::all(EntityKind::Device));
            return Ok((Made::Bed { name: self.name, patient: None }, event));
        }
        let (restricted, number) = (self.number == RESTRICTED, (3_000_000 + self.number).to_string());
        let patient = self.register(write.db(), keyring, (ward.org, &number, restricted), now).await?;
        self.admit(write.db(), patient, place, now).await?;
        let event = Event::new(Category::Care, Action::Create, Entity::one(EntityKind::Patient, patient.0));
        let in_bed = InBed { patient, number, restricted };
        Ok((Made::Bed { name: self.name, patient: Some(in_bed) }, event.about([patient])))
    }

    async fn register(
        &self,
        db: &impl Db,
        keyring: &Keyring,
        (issuer, value, restricted): (Uuid, &str, bool),
        now: Timestamp,
    ) -> Result<PatientId, ApiError> {
        let (patient, realm) = (PatientId::new(now), REALM.word());
        let Somebody { name, sex, born } = somebody(self.number);
        let key = keyring.make_patient(patient).await?;
        let birth = key.seal(BIRTH, patient.0.as_bytes(), born.as_bytes());
        run(db, PATIENT, &[&patient.0, &realm, &restricted, &birth, &sex]).await?;
        let row = new_id(now);
        run(db, NAME, &[&row, &patient.0, &name.seal(&key, row)]).await?;
        let (row, number) = (new_id(now), Identifier { issuer, kind: MEDICAL_RECORD, value });
        let (sealed, token) = (number.seal(&key, row), number.token(keyring));
        let (bytes, version) = (token.bytes.as_slice(), token.key_version);
        run(db, NUMBER, &[&row, &realm, &patient.0, &issuer, &MEDICAL_RECORD, &sealed, &bytes, &version]).await?;
        Ok(patient)
    }

    /// Some days ago, to this place, with this device on him since then.
    async fn admit(&self, db: &impl Db, patient: PatientId, place: Uuid, now: Timestamp) -> Result<(), Error> {
        let (patient, stay, realm) = (patient.0, new_id(now), REALM.word());
        let since = At(now.plus_millis(-DAY_MS * i64::from(1 + self.number % 6)));
        let attending = db.query_opt(ATTENDING, &[&realm, &PHYSICIAN]).await?;
        let attending: Option<Uuid> = attending.map(|row| row.try_get(0)).transpose()?.flatten();
        run(db, ENCOUNTER, &[&stay, &realm, &patient, &since, &self.age_class, &attending]).await?;
        run(db, LIES, &[&new_id(now), &realm, &stay, &patient, &place, &since]).await?;
        if let Some(attending) = attending {
            run(db, TEAM, &[&new_id(now), &realm, &patient, &stay, &attending, &since]).await?;
        }
        let recorded = At(now);
        run(db, WEARS, &[&new_id(now), &realm, &self.device, &patient, &stay, &since, &recorded]).await
    }
}

async fn run(db: &impl Db, statement: &str, values: &[&(dyn ToSql + Sync)]) -> Result<(), Error> {
    db.execute(statement, values).await?;
    Ok(())
}
