use store::Error;

use super::{admin, named, ward};

/// At once, each by a connection of its own.
const AT_ONCE: usize = 30;

#[tokio::test]
async fn of_thirty_admissions_to_one_bed_one_wins() {
    let db = ward().await;
    let free =
        "UPDATE encounter_locations SET status = 'left', during = tstzrange(lower(during), now()) WHERE id = @lies";
    admin(&db).await.batch_execute(&named(free)).await.unwrap();
    let admissions = (0..AT_ONCE).map(|n| {
        let url = db.url().to_owned();
        tokio::spawn(async move {
            let client = store::connect(&url, "test").await?;
            let admit = named(
                "INSERT INTO patients (id, realm) VALUES (@p, 'demo');
                INSERT INTO encounters (id, realm, patient_id, class, status, during, age_class)
                    VALUES (@e, 'demo', @p, 'inpatient', 'in_progress', tstzrange(now(), NULL), 'adult');
                INSERT INTO encounter_locations (id, realm, encounter_id, patient_id, location_id, physical, status, during)
                    VALUES (@l, 'demo', @e, @p, @bed1, true, 'active', tstzrange(now(), NULL));"
                    .replace("@p", &format!("@p{n}"))
                    .replace("@e", &format!("@e{n}"))
                    .replace("@l", &format!("@l{n}"))
                    .as_str(),
            );
            Ok::<_, Error>(client.batch_execute(&format!("BEGIN; {admit} COMMIT")).await?)
        })
    });
    let mut won = 0;
    for admission in admissions.collect::<Vec<_>>() {
        match admission.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(error.constraint(), Some("encounter_locations_taken"), "{error:?}"),
        }
    }
    assert_eq!(won, 1);
    let lying = "SELECT count(*) FROM encounter_locations WHERE location_id = @bed1 AND status = 'active'";
    let lying: i64 = admin(&db).await.query_one(&named(lying), &[]).await.unwrap().get(0);
    assert_eq!(lying, 1);
}
