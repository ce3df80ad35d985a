//! Who a patient is: opened for whoever has to do with him, and for nobody else.

use keys::Field;
use serde_json::{Value, json};
use uuid::Uuid;
use vitals::PatientId;

use crate::access::events;
use crate::people::{Patient, somebody};
use crate::site::Site;

/// With a name, another that he goes by, a birth and a number, all sealed.
async fn named(site: &Site, patient: Patient) -> Uuid {
    let key = site.deps().keyring.make_patient(PatientId(patient.id)).await.unwrap();
    let db = site.database.pool().get().await.unwrap();
    let organization = Uuid::now_v7();
    let insert = "INSERT INTO organizations (id, realm, kind, name) VALUES ($1, 'live', 'facility', 'Mercy')";
    db.execute(insert, &[&organization]).await.unwrap();
    let birth = key.seal(Field::new("patients", "birth_sealed"), patient.id.as_bytes(), b"1945-07-14");
    let update = "UPDATE patients SET birth_sealed = $2, sex = 'male' WHERE id = $1";
    db.execute(update, &[&patient.id, &birth]).await.unwrap();
    let mut official = Uuid::nil();
    for (used, given, valid) in [
        ("official", "Johnathan", "[1945-07-14,)"),
        ("usual", "Jack", "[1950-01-01,)"),
        ("usual", "Jo", "[,1950-01-01)"),
    ] {
        let id = Uuid::now_v7();
        let name = json!({ "prefix": "Mr", "given": [given], "family": "Zimmermann", "suffix": null }).to_string();
        let sealed = key.seal(Field::new("patient_names", "sealed"), id.as_bytes(), name.as_bytes());
        let insert = "INSERT INTO patient_names (id, patient_id, use, sealed, valid)
            VALUES ($1, $2, $3, $4, $5::text::daterange)";
        db.execute(insert, &[&id, &patient.id, &used, &sealed, &valid]).await.unwrap();
        if used == "official" {
            official = id;
        }
    }
    for (number, status) in [("1297287652", "active"), ("99", "old")] {
        let id = Uuid::now_v7();
        let sealed = key.seal(Field::new("patient_identifiers", "value_sealed"), id.as_bytes(), number.as_bytes());
        let insert = "INSERT INTO patient_identifiers
                (id, realm, patient_id, issuer_org, type, value_sealed, token, key_version, status, valid)
            VALUES ($1, 'live', $2, $3, 'MR', $4, sha256($4), 1, $5, '[2000-01-01,)')";
        db.execute(insert, &[&id, &patient.id, &organization, &sealed, &status]).await.unwrap();
    }
    official
}

fn path(patient: Patient) -> String {
    format!("/api/patients/{}", patient.id)
}

#[tokio::test]
async fn a_banner_is_opened_for_whoever_cares_and_it_is_written_down_of_whom() {
    let site = Site::open().await;
    let patient = Patient::admit(&site.database).await;
    named(&site, patient).await;
    patient.is_cared_for_by(&site.database, &site.nurse).await;
    let name = |given| json!({ "prefix": "Mr", "given": [given], "family": "Zimmermann", "suffix": null });
    let shown = site.json(&path(patient)).await;
    assert_eq!(
        shown,
        json!({
            "id": patient.id, "status": "active", "official": name("Johnathan"), "usual": name("Jack"),
            "birth_date": "1945-07-14", "deceased_at": null, "sex": "male", "gender": null,
            "identifiers": [{ "type": "MR", "issuer": "Mercy", "value": "1297287652" }],
            "version": shown["version"],
        })
    );
    let db = site.database.pool().get().await.unwrap();
    let event = "SELECT e.outcome, e.endpoint, e.entity_kind, e.entity_id, e.entity_version, s.patient_id
        FROM audit_events e JOIN audit_subjects s ON s.event_id = e.id";
    let event = db.query_one(event, &[]).await.unwrap();
    let texts = [0, 1, 2].map(|column| event.get::<_, String>(column));
    assert_eq!(texts, ["success", "GET /api/patients/{id}", "patient"]);
    assert_eq!((event.get::<_, Uuid>(3), event.get::<_, Uuid>(5)), (patient.id, patient.id));
    assert_eq!(i64::from(event.get::<_, i32>(4)), shown["version"]);
}

#[tokio::test]
async fn whoever_has_nothing_to_do_with_him_learns_nothing_and_of_a_restricted_one_not_that_he_is() {
    let site = Site::open().await;
    let (patient, somebody_else) = (Patient::admit(&site.database).await, Patient::admit(&site.database).await);
    named(&site, patient).await;
    somebody_else.is_cared_for_by(&site.database, &site.nurse).await;
    let before = events(&site.database).await;
    let refused = site.get(&path(patient)).await;
    assert_eq!(refused.status(), 403);
    let text = refused.text().await.unwrap();
    assert!(text.contains("no_relation"), "{text}");
    for hidden in ["Zimmermann", "1945", "1297287652", &patient.id.to_string()] {
        assert!(!text.contains(hidden), "{text}");
    }
    patient.restrict(&site.database).await;
    let (restricted, unknown) =
        (site.get(&path(patient)).await, site.get(&format!("/api/patients/{}", Uuid::nil())).await);
    assert_eq!((restricted.status().as_u16(), unknown.status().as_u16()), (404, 404));
    assert_eq!(restricted.text().await.unwrap(), unknown.text().await.unwrap());
    // The second refusal of the same patient is the same access.
    assert_eq!(events(&site.database).await - before, 2);
    let db = site.database.pool().get().await.unwrap();
    let refusals = "SELECT count(*) FROM audit_events e JOIN audit_subjects s ON s.event_id = e.id
        WHERE e.outcome = 'refused' AND s.patient_id = $1";
    assert_eq!(db.query_one(refusals, &[&patient.id]).await.unwrap().get::<_, i64>(0), 1);

    let scheduler = somebody(&site.database, "scheduler").await;
    let text = site.get_as(&scheduler, &path(patient)).await.text().await.unwrap();
    assert!(text.contains("missing_permission"), "{text}");
}

#[tokio::test]
async fn what_was_sealed_elsewhere_is_not_shown_as_his() {
    let site = Site::open().await;
    let patient = Patient::admit(&site.database).await;
    let official = named(&site, patient).await;
    patient.is_cared_for_by(&site.database, &site.nurse).await;
    let db = site.database.pool().get().await.unwrap();
    let moved = "UPDATE patient_names SET sealed = (SELECT sealed FROM patient_names WHERE use = 'usual' LIMIT 1) WHERE id = $1";
    db.execute(moved, &[&official]).await.unwrap();
    let response = site.get(&path(patient)).await;
    assert_eq!(response.status(), 503);
    let problem = response.json::<Value>().await.unwrap();
    assert_eq!(problem["code"], "keys_away");
    assert!(!problem.to_string().contains("Jack"), "{problem}");
}
