//! A house with everybody in bed, twice: once sealed, and once with what is sealed lying open, for the side that opens nothing.

use keys::{Field, Keyring, PatientKey};
use serde_json::json;
use tokio_postgres::Client;
use uuid::Uuid;
use vitals::{Clock, PatientId, Timestamp};

use crate::site::Site;

/// Patients of one side. The keys of all of them fit the cache of the portal.
pub(super) const PATIENTS: usize = 2_000;

/// Signed in at once, each on duty in the whole house.
pub(super) const NURSES: usize = 64;

/// Of these there are the frames of the last full hour, one a second, and the minutes of a whole day; of the others the
/// minutes of that hour.
pub(super) const MONITORED: usize = 320;

pub(super) const HOUR_MS: i64 = 3_600_000;

pub(super) struct House {
    pub(super) sealed: Vec<Guest>,
    pub(super) open: Vec<Guest>,
    /// The `Cookie` header of each nurse.
    pub(super) cookies: Vec<String>,
    /// Of the last full hour.
    pub(super) end: Timestamp,
}

pub(super) struct Guest {
    pub(super) patient: Uuid,
    pub(super) device: String,
}

const HOUSE: &str = "
    INSERT INTO organizations (id, realm, kind, name) VALUES ('00000000-0000-7000-8000-000000000001', 'test', 'facility', 'Bench');
    INSERT INTO profiles (id, age_class, name) VALUES ('00000000-0000-7000-8000-000000000002', 'adult', 'Bench');
    INSERT INTO locations (id, realm, org_id, kind, code, tz)
        VALUES ('00000000-0000-7000-8000-000000000003', 'test', '00000000-0000-7000-8000-000000000001', 'site', 'House', 'UTC');
    INSERT INTO locations (id, realm, org_id, parent_id, kind, code, default_profile_id)
        VALUES ('00000000-0000-7000-8000-000000000004', 'test', '00000000-0000-7000-8000-000000000001',
            '00000000-0000-7000-8000-000000000003', 'unit', 'Unit', '00000000-0000-7000-8000-000000000002')";

const PEOPLE: &str = "WITH person AS (
        SELECT n, gen_random_uuid() AS practitioner, gen_random_uuid() AS person, gen_random_uuid() AS duty FROM generate_series(1, $1::int4) n
    ), practitioner AS (
        INSERT INTO practitioners (id, realm, display_name) SELECT practitioner, 'test', 'Nurse' FROM person
    ), account AS (
        INSERT INTO users (id, realm, practitioner_id, login, display_name, status)
        SELECT person, 'test', practitioner, 'nurse-' || n, 'Nurse', 'active' FROM person
    ), role AS (
        INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_part)
        SELECT gen_random_uuid(), 'test', person, roles.id, '[2000-01-01,)', 'command' FROM person, roles WHERE code = 'nurse'
    ), session AS (
        INSERT INTO sessions (id, realm, token_hash, user_id, factors, started_at, last_input_at, expires_at)
        SELECT gen_random_uuid(), 'test', sha256(lpad(to_hex(n), 64, '0')::bytea), person, '{password,totp}', now(), now() + interval '7 days', now() + interval '7 days'
        FROM person
    ), duty AS (
        INSERT INTO duties (id, realm, unit_id, practitioner_id, role, during)
        SELECT duty, 'test', '00000000-0000-7000-8000-000000000004', practitioner, 'nurse', tstzrange(now() - interval '1 hour', now() + interval '12 hours')
        FROM person
    )
    INSERT INTO cover (id, realm, duty_id, location_id, kind, during)
    SELECT gen_random_uuid(), 'test', duty, '00000000-0000-7000-8000-000000000004', 'primary', tstzrange(now() - interval '1 hour', now() + interval '12 hours')
    FROM person";

/// $1 to $6: patients, births, their names' ids and names, their numbers' ids and numbers. $7: what their devices' names begin with.
const GUESTS: &str = "WITH guest AS (
        SELECT n, patient, birth, name_id, name, number_id, number, gen_random_uuid() AS stay, gen_random_uuid() AS bed
        FROM unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::bytea[], $5::uuid[], $6::bytea[])
            WITH ORDINALITY AS guest (patient, birth, name_id, name, number_id, number, n)
    ), patient AS (
        INSERT INTO patients (id, realm, birth_sealed, sex) SELECT patient, 'test', birth, 'female' FROM guest
    ), name AS (
        INSERT INTO patient_names (id, patient_id, use, sealed, valid)
        SELECT name_id, patient, 'official', name, '[1950-01-01,)' FROM guest
    ), number AS (
        INSERT INTO patient_identifiers (id, realm, patient_id, issuer_org, type, value_sealed, token, key_version, valid)
        SELECT number_id, 'test', patient, '00000000-0000-7000-8000-000000000001', 'MR', number, sha256(uuid_send(patient)), 1, '[2020-01-01,)'
        FROM guest
    ), bed AS (
        INSERT INTO locations (id, realm, org_id, parent_id, kind, code)
        SELECT bed, 'test', '00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000004', 'bed', $7 || n FROM guest
    ), stay AS (
        INSERT INTO encounters (id, realm, patient_id, class, status, during, age_class)
        SELECT stay, 'test', patient, 'inpatient', 'in_progress', '[2026-01-01,)', 'adult' FROM guest
    ), lies AS (
        INSERT INTO encounter_locations (id, realm, encounter_id, patient_id, location_id, physical, status, during)
        SELECT gen_random_uuid(), 'test', stay, patient, bed, true, 'active', '[2026-01-01,)' FROM guest
    ), device AS (
        INSERT INTO devices (external_id, kind, realm, enrolled_at)
        SELECT $7 || n, 'device', 'test', now() - interval '1 day' FROM guest RETURNING key, external_id
    )
    INSERT INTO device_assignments (id, realm, device_key, patient_id, encounter_id, during, source, recorded_at)
    SELECT gen_random_uuid(), 'test', key, patient, stay, '[2026-01-01,)', 'scan', now()
    FROM guest JOIN device ON external_id = $7 || n";

const PAST: &str = "INSERT INTO vitals_minute (device_key, minute, computed_at, hr_n, hr_min, hr_max, hr_mean, hr_last,
        spo2_n, spo2_min, spo2_max, spo2_mean, spo2_last, rr_n, rr_min, rr_max, rr_mean, rr_last)
    SELECT key, minute, now(), 60, 70, 90, 80, 81, 60, 95, 99, 97, 98, 60, 12, 18, 15, 14
    FROM devices, generate_series($2::text::timestamptz - CASE WHEN split_part(external_id, '-', 2)::int4 <= $1
            THEN interval '1 day' ELSE interval '1 hour' END,
        $2::text::timestamptz - interval '1 minute', '1 minute') minute
    WHERE realm = 'test'";

/// So long as a frame may be late (design.md): `vitals` has a chunk of each day, all of which a plan of it that is kept would open.
pub(super) const DAYS: i32 = 400;

const DAYS_BEFORE: &str = "INSERT INTO vitals (device_key, at, received_at, flags, hr)
    SELECT key, at, at + interval '0.2 s', 0, 70
    FROM (SELECT min(key) AS key FROM devices WHERE realm = 'test') device,
        generate_series(1, $1) day, LATERAL (SELECT $2::text::timestamptz - day * interval '1 day' AS at) moment";

/// What the simulated monitor of a ward measures, and what its batch says of when.
const FRAMES: &str = "INSERT INTO vitals (device_key, at, received_at, seq, flags, hr, pr_spo2, spo2, pi, rr)
    SELECT key, at, at + interval '0.2 s', n, 0, 70 + n % 20, 70 + n % 20, 95 + n % 5, 2.5, 12 + n % 6
    FROM devices, generate_series(1, 3600) n, LATERAL (SELECT $2::text::timestamptz - n * interval '1 s' AS at) moment
    WHERE realm = 'test' AND split_part(external_id, '-', 2)::int4 <= $1";

impl House {
    pub(super) async fn build(site: &Site, keyring: &Keyring) -> anyhow::Result<Self> {
        let db = &site.client;
        db.batch_execute(HOUSE).await?;
        db.execute(PEOPLE, &[&(NURSES as i32)]).await?;
        let sealed = guests(db, "sealed-", async |patient| Ok(Some(keyring.make_patient(patient).await?))).await?;
        let open = guests(db, "open-", async |_| Ok(None)).await?;
        // Of one moment, though the hour may end meanwhile.
        let end = Timestamp::from_millis(Clock::system().now().millis() / HOUR_MS * HOUR_MS);
        let until = end.to_string();
        let monitored = MONITORED as i32;
        db.execute(DAYS_BEFORE, &[&DAYS, &until]).await?;
        db.execute(PAST, &[&monitored, &until]).await?;
        db.execute(FRAMES, &[&monitored, &until]).await?;
        db.batch_execute("ANALYZE").await?;
        let cookies = (1..=NURSES).map(|nurse| format!("vigil={nurse:064x}")).collect();
        Ok(Self { sealed, open, cookies, end })
    }
}

/// Of both sides the same.
pub(super) fn family(number: usize) -> String {
    format!("Guest{number:05}")
}

/// Puts them to bed, each with a name, a birth and a number, sealed by their keys where they have any.
async fn guests(
    db: &Client,
    prefix: &str,
    key: impl AsyncFn(PatientId) -> anyhow::Result<Option<PatientKey>>,
) -> anyhow::Result<Vec<Guest>> {
    let (mut patients, mut births, mut name_ids, mut names, mut number_ids, mut numbers) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for number in 1..=PATIENTS {
        let (patient, name, identifier) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
        let key = key(PatientId(patient)).await?;
        let keep = |field, id: Uuid, text: String| match &key {
            Some(key) => key.seal(field, id.as_bytes(), text.as_bytes()),
            None => [&[0; portal::bare::AROUND.0], text.as_bytes(), &[0; portal::bare::AROUND.1]].concat(),
        };
        let given = ["Ada", "Grace", "Katherine", "Mary"][number % 4];
        let full = json!({ "prefix": null, "given": [given], "family": family(number), "suffix": null });
        births.push(keep(Field::new("patients", "birth_sealed"), patient, format!("19{:02}-07-14", number % 100)));
        names.push(keep(Field::new("patient_names", "sealed"), name, full.to_string()));
        numbers.push(keep(Field::new("patient_identifiers", "value_sealed"), identifier, format!("MR{number:08}")));
        patients.push(patient);
        name_ids.push(name);
        number_ids.push(identifier);
    }
    db.execute(GUESTS, &[&patients, &births, &name_ids, &names, &number_ids, &numbers, &prefix]).await?;
    let guest = |(index, patient)| Guest { patient, device: format!("{prefix}{}", index + 1) };
    Ok(patients.into_iter().enumerate().map(guest).collect())
}
