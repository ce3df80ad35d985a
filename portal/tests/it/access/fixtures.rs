//! For each endpoint something that it can succeed with: what it is about exists, and its body is right.

use serde_json::{Value, json};
use store::Client;
use store::testing::Person;
use totp_rs::{Builder, Secret};
use uuid::Uuid;
use vitals::{PatientId, What};

use crate::people::{Patient, somebody};
use crate::site::{Site, step};

/// What is known of the patient, and must be in no refusal. Sealed in the database, as the office seals it.
pub(crate) const NAME: &str = "Zörbelquist";
pub(crate) const MRN: &str = "MRN-7719-QX42";
pub(crate) const BORN: &str = "1913-07-29";

/// A request that whoever may make it succeeds with.
pub(crate) struct Ask {
    pub(crate) path: String,
    /// Null: none.
    pub(crate) body: Value,
}

/// What every fixture builds on: a place, a patient with a device on, an alarm of that device.
pub(crate) struct Ground {
    pub(crate) site: Site,
    pub(crate) patient: Patient,
    place: Uuid,
}

impl Ground {
    pub(crate) async fn open() -> Self {
        let site = Site::open().await;
        let patient = Patient::admit(&site.database).await;
        patient.wears(&site.database, site.beds[0]).await;
        let ground = Self { site, patient, place: Uuid::now_v7() };
        ground.fill().await;
        ground
    }

    pub(crate) async fn db(&self) -> Client {
        self.site.database.pool().get().await.unwrap()
    }

    async fn fill(&self) {
        let (db, org, keyring) = (self.db().await, Uuid::now_v7(), self.site.deps().keyring);
        for (sql, ids) in [
            ("INSERT INTO organizations (id, realm, kind, name) VALUES ($1, 'live', 'facility', 'Here')", vec![org]),
            (
                "INSERT INTO locations (id, realm, org_id, kind, code, tz) VALUES ($1, 'live', $2, 'site', 'H', 'UTC')",
                vec![self.place, org],
            ),
        ] {
            let ids: Vec<_> = ids.iter().map(|id| id as &(dyn store::types::ToSql + Sync)).collect();
            db.execute(sql, &ids).await.unwrap();
        }
        let insert = "INSERT INTO vitals (at, received_at, device_key, flags, hr) SELECT at, at, $1, 3, 72
            FROM generate_series('2026-11-23T09:00:00Z'::timestamptz, '2026-11-23T09:10:00Z', '1 s') at";
        db.execute(insert, &[&self.site.beds[0].0]).await.unwrap();
        store::alarms::begin_epoch(&db, crate::site::T0).await.unwrap();
        store::alarms::save(&db, &[step(1, Some(self.site.beds[0]), 1, What::Raised)]).await.unwrap();
        let key = keyring.make_patient(PatientId(self.patient.id)).await.unwrap();
        let (name, id) = (keys::Field::new("patient_names", "sealed"), Uuid::now_v7());
        let sealed =
            key.seal(name, id.as_bytes(), json!({"given": [BORN, MRN], "family": NAME}).to_string().as_bytes());
        let insert =
            "INSERT INTO patient_names (id, patient_id, use, sealed, valid) VALUES ($1, $2, 'official', $3, '[,)')";
        db.execute(insert, &[&id, &self.patient.id, &sealed]).await.unwrap();
    }

    /// What would tell who the patient is, or where.
    pub(crate) fn identifying(&self) -> [String; 5] {
        [NAME.to_owned(), MRN.to_owned(), BORN.to_owned(), self.patient.id.to_string(), "bed-01".to_owned()]
    }

    /// For who is named in `by`. None: the endpoint has no fixture.
    pub(crate) async fn ask(&self, endpoint: &str, by: &Person) -> Option<Ask> {
        let to = |path: &str| Some(Ask { path: path.to_owned(), body: Value::Null });
        let with = |path: &str, body| Some(Ask { path: path.to_owned(), body });
        match endpoint {
            "GET /api/alarms"
            | "GET /api/audit"
            | "GET /api/audit/export.csv"
            | "GET /api/audit/export.json"
            | "GET /api/break-glass"
            | "GET /api/devices"
            | "GET /api/grants"
            | "GET /api/sessions"
            | "GET /api/stations"
            | "GET /api/users"
            | "DELETE /api/sessions/others" => to(endpoint.split_once(' ')?.1),
            "GET /api/vitals" => {
                self.patient.is_cared_for_by(&self.site.database, by).await;
                to("/api/vitals?device=bed-01&from=2026-11-23T09:00:00Z&to=2026-11-23T10:00:00Z")
            }
            "GET /api/patients/{id}" => {
                self.patient.is_cared_for_by(&self.site.database, by).await;
                to(&format!("/api/patients/{}", self.patient.id))
            }
            "GET /api/disclosures/{patient}" => to(&format!("/api/disclosures/{}", self.patient.id)),
            "DELETE /api/sessions/{id}" => to(&format!("/api/sessions/{}", by.session)),
            "PUT /api/me/password" => with("/api/me/password", json!({"password": "tulip-Quarry-79-lantern"})),
            "POST /api/me/totp" => to("/api/me/totp"),
            "PUT /api/me/totp" => with("/api/me/totp", json!({"code": self.code_of_new_authenticator(by).await})),
            "POST /api/me/recovery-codes" => to("/api/me/recovery-codes"),
            "PUT /api/me/pin" => with("/api/me/pin", json!({"pin": "719004"})),
            "POST /api/users" => with("/api/users", json!({"login": Uuid::now_v7(), "display_name": "Somebody"})),
            "POST /api/users/{id}/disable" => to(&format!("/api/users/{}/disable", self.colleague().await)),
            "POST /api/grants" => with("/api/grants", json!({"user_id": self.colleague().await, "role": "scheduler"})),
            "POST /api/grants/{id}/approve" => to(&format!("/api/grants/{}/approve", self.proposal().await)),
            "DELETE /api/grants/{id}" => to(&format!("/api/grants/{}", self.proposal().await)),
            "POST /api/break-glass" => {
                let patient = self.stranger().await;
                with("/api/break-glass", json!({"patient_id": patient, "reason_code": "emergency", "reason": "arrest"}))
            }
            "POST /api/break-glass/{id}/review" => {
                let path = format!("/api/break-glass/{}/review", self.broken_glass().await);
                with(&path, json!({"review": "justified"}))
            }
            "POST /api/stations" => {
                with("/api/stations", json!({"name": "wall", "mode": "wall", "location_id": self.place}))
            }
            "POST /api/stations/{id}/code" => to(&format!("/api/stations/{}/code", self.station().await)),
            "PUT /api/stations/{id}" => {
                with(&format!("/api/stations/{}", self.station().await), json!({"privacy": "none"}))
            }
            "DELETE /api/stations/{id}" => to(&format!("/api/stations/{}", self.station().await)),
            _ => None,
        }
    }

    /// What his authenticator-to-be shows; empty where he is not let in.
    async fn code_of_new_authenticator(&self, by: &Person) -> String {
        let url = self.site.url("/api/me/totp");
        let request = reqwest::Client::new().post(url).header(reqwest::header::COOKIE, by.cookie());
        let shown: Value = request.send().await.unwrap().json().await.unwrap();
        let Some(secret) = shown["secret"].as_str() else { return String::new() };
        let totp = Builder::new().with_secret(Secret::try_from_base32(secret).unwrap()).build().unwrap();
        totp.generate(u64::try_from(self.site.clock.now().millis() / 1_000).unwrap()).to_string()
    }

    async fn colleague(&self) -> Uuid {
        somebody(&self.site.database, "biller").await.user
    }

    /// That somebody becomes a nurse, said by an administrator who is neither.
    async fn proposal(&self) -> Uuid {
        let (id, user) = (Uuid::now_v7(), self.colleague().await);
        let granter = somebody(&self.site.database, "administrator").await.user;
        let insert = "INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_by)
            SELECT $1, 'live', $2, id, '[2000-01-01,)', $3 FROM roles WHERE code = 'nurse'";
        self.db().await.execute(insert, &[&id, &user, &granter]).await.unwrap();
        id
    }

    /// A patient with whom nobody has anything to do.
    async fn stranger(&self) -> Uuid {
        let stranger = Patient::admit(&self.site.database).await.id;
        self.site.deps().keyring.make_patient(PatientId(stranger)).await.unwrap();
        stranger
    }

    async fn broken_glass(&self) -> Uuid {
        let (id, user) = (Uuid::now_v7(), somebody(&self.site.database, "nurse").await.user);
        let insert = "INSERT INTO access_grants
                (id, realm, user_id, patient_id, via, during, reason_code, reason_sealed, review_by)
            VALUES ($1, 'live', $2, $3, 'break_glass', '[2026-11-23 09:00Z,2026-11-23 10:00Z)', 'emergency', 'x', '2026-11-26')";
        self.db().await.execute(insert, &[&id, &user, &self.stranger().await]).await.unwrap();
        id
    }

    async fn station(&self) -> Uuid {
        let id = Uuid::now_v7();
        let insert = "INSERT INTO stations (id, realm, location_id, name, mode, privacy)
            VALUES ($1, 'live', $2, 'wall', 'wall', 'initials')";
        self.db().await.execute(insert, &[&id, &self.place]).await.unwrap();
        id
    }
}
