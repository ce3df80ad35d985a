use store::Error;
use tokio_postgres::Client;

use super::portal;
use crate::schema::{id, run, ward};

/// In a transaction of that user, which is rolled back.
async fn writes(client: &Client, user: &str, sql: &str) -> Result<(), Error> {
    let begin =
        if user.is_empty() { String::new() } else { format!("SELECT set_config('vigil.user', '{}', true);", id(user)) };
    let written = run(client, &format!("BEGIN; {begin} {sql}")).await;
    client.batch_execute("ROLLBACK").await.unwrap();
    written
}

#[tokio::test]
async fn nobody_writes_of_a_patient_whom_he_may_not_see() {
    let db = ward().await;
    let portal = portal(&db).await;
    let flag = "INSERT INTO patient_flags (id, realm, patient_id, kind, code, during, by)
        VALUES (@x, 'demo', @quinn, 'safety', 'fall_risk', tstzrange(now(), NULL), @user_ann)";
    assert_eq!(writes(&portal, "user_ann", flag).await.unwrap_err().sqlstate(), Some("42501"));
    writes(&portal, "user_cat", flag).await.unwrap();
    // Nor is a row given to somebody else's patient.
    let given = "UPDATE patient_flags SET patient_id = @quinn WHERE patient_id = @pat";
    assert_eq!(writes(&portal, "user_ann", given).await.unwrap_err().sqlstate(), Some("42501"));
}

#[tokio::test]
async fn a_patient_is_registered_by_whoever_acts_and_by_nobody_else() {
    let db = ward().await;
    let portal = portal(&db).await;
    let register = "INSERT INTO patients (id, realm) VALUES (@new, 'demo');
        INSERT INTO access_grants (id, realm, user_id, patient_id, via, during)
            VALUES (@x, 'demo', @user_ben, @new, 'registration', tstzrange(now(), now() + interval '1 hour'));
        INSERT INTO patient_names (id, patient_id, use, sealed, valid) VALUES (@y, @new, 'official', '\\x01', daterange(NULL, NULL));
        INSERT INTO patient_tokens VALUES (1, 9, 0, @new)";
    writes(&portal, "user_ben", register).await.unwrap();
    assert_eq!(writes(&portal, "", register).await.unwrap_err().sqlstate(), Some("42501"));
    let glass = "INSERT INTO access_grants (id, realm, user_id, patient_id, via, during, reason_code, review_by)
        VALUES (@x, 'demo', @user_ben, @quinn, 'break_glass', tstzrange(now(), now() + interval '1 hour'), 'emergency', now())";
    writes(&portal, "user_ben", glass).await.unwrap();
    assert_eq!(writes(&portal, "", glass).await.unwrap_err().sqlstate(), Some("42501"));
}

/// Nobody lets himself, or a friend, in to somebody who is cared for: not by a made-up team, nor as if he had registered him.
#[tokio::test]
async fn nobody_gives_access_but_by_a_glass_of_his_own() {
    let db = ward().await;
    let portal = portal(&db).await;
    let grant = |user: &str, patient: &str, via: &str| {
        format!(
            "INSERT INTO access_grants (id, realm, user_id, patient_id, via, during)
                VALUES (@x, 'demo', {user}, {patient}, '{via}', tstzrange(now(), now() + interval '1 hour'))"
        )
    };
    for given in [
        grant("@user_ben", "@quinn", "registration"),
        grant("@user_ben", "@quinn", "care_team"),
        grant("@user_cat", "@pat", "referral"),
        grant("@user_cat", "@pat", "break_glass")
            .replace("via, during", "via, during, reason_code, review_by")
            .replace("interval '1 hour'))", "interval '1 hour'), 'emergency', now())"),
    ] {
        let refused = writes(&portal, "user_ben", &given).await.expect_err(&given);
        assert_eq!(refused.sqlstate(), Some("42501"), "{given}: {refused}");
    }
}

/// Whoever covers a place sees who lies there: no nurse says so of herself.
#[tokio::test]
async fn cover_is_given_by_those_whose_task_it_is() {
    let db = ward().await;
    let (admin, portal) = (super::super::schema::admin(&db).await, portal(&db).await);
    let attempts = [
        "INSERT INTO cover (id, realm, duty_id, location_id, kind, during)
            VALUES (@x, 'demo', @duty, @site, 'buddy', tstzrange(now(), now() + interval '8 hours'))",
        "UPDATE cover SET location_id = @site; DO $$ BEGIN ASSERT (SELECT count(*) FROM cover WHERE location_id = @site) > 0; END $$",
        "UPDATE duties SET practitioner_id = @ann;
            DO $$ BEGIN ASSERT NOT EXISTS (SELECT FROM duties WHERE practitioner_id <> @ann); END $$",
    ];
    for attempt in attempts {
        writes(&portal, "user_ann", attempt).await.expect_err(attempt);
    }
    let promoted = "INSERT INTO role_grants (id, realm, user_id, role_id, during, granted_by, approved_by, approved_at)
        SELECT gen_random_uuid(), 'demo', @user_ann, id, tstzrange('2026-01-01', NULL), @user_dan, @user_cat, now()
        FROM roles WHERE code = 'charge_nurse'";
    run(&admin, promoted).await.unwrap();
    for attempt in attempts {
        writes(&portal, "user_ann", attempt).await.unwrap_or_else(|error| panic!("{attempt}: {error}"));
    }
}

/// The owner writes history for whoever changes a record: not for a table that somebody made to look like one.
#[tokio::test]
async fn nobody_writes_history_through_a_table_of_his_own() {
    let db = ward().await;
    let portal = portal(&db).await;
    let made = "CREATE TEMP TABLE patients (LIKE public.patients);
        CREATE TRIGGER kept AFTER INSERT ON pg_temp.patients FOR EACH ROW EXECUTE FUNCTION keep_version();";
    assert_eq!(writes(&portal, "user_ann", made).await.unwrap_err().sqlstate(), Some("42501"));
}

/// What was refused is recorded, of whomever; what is recorded is read and changed by no part that works for people.
#[tokio::test]
async fn everybody_records_and_nobody_changes_what_is_recorded() {
    let db = ward().await;
    let portal = portal(&db).await;
    let record = "INSERT INTO audit_events (id, at, category, action, outcome, user_id) VALUES (@x, now(), 'chart', 'R', 'refused', @user_ben);
        INSERT INTO audit_subjects (event_id, patient_id, at) VALUES (@x, @quinn, now())";
    writes(&portal, "user_ben", record).await.unwrap();
    writes(&portal, "", record).await.unwrap();
    for forbidden in [
        "SELECT * FROM audit_events",
        "SELECT * FROM audit_subjects",
        "UPDATE audit_events SET outcome = 'success'",
        "DELETE FROM audit_subjects",
        "TRUNCATE audit_events",
        "INSERT INTO audit_links VALUES (@stream, 2, @event2, sha256(''))",
    ] {
        assert_eq!(writes(&portal, "user_ann", forbidden).await.unwrap_err().sqlstate(), Some("42501"), "{forbidden}");
    }
}

/// A trigger of the owner writes it, whoever changes the record.
#[tokio::test]
async fn history_is_written_by_nobody_and_kept_for_everybody() {
    let db = ward().await;
    let portal = portal(&db).await;
    let restrict = "UPDATE patients SET restricted = true WHERE id = @pat;
        DO $$ BEGIN ASSERT (SELECT count(*) FROM patients_history) = 2; END $$";
    writes(&portal, "user_ann", restrict).await.unwrap();
    for forbidden in ["DELETE FROM patients_history", "UPDATE patients_history SET author = 'me'"] {
        assert_eq!(writes(&portal, "user_ann", forbidden).await.unwrap_err().sqlstate(), Some("42501"), "{forbidden}");
    }
}
