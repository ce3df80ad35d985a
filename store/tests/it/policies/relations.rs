use super::{PUT_ON, patients_of, portal, seen_by, worn_by};
use crate::schema::{admin, id, run, ward};

#[tokio::test]
async fn cover_team_and_grants_are_what_opens_a_chart() {
    let db = ward().await;
    let portal = portal(&db).await;
    run(&admin(&db).await, PUT_ON).await.unwrap();
    for (user, expected, why) in [
        ("user_ann", ["pat"].as_slice(), "covers his bed"),
        ("user_cat", &["quinn"], "of his team"),
        ("user_dan", &["quinn"], "broke the glass"),
        ("user_ben", &[], "is not on duty yet"),
        ("nobody_we_know", &[], "has no account"),
    ] {
        assert_eq!(patients_of(&portal, user).await, expected, "{user} {why}");
        assert_eq!(worn_by(&portal, user).await, expected, "{user} {why}, and a wall shows others than a chart");
    }
}

/// Each of these ends what Ann or the others see, or widens it.
#[tokio::test]
async fn what_ends_or_moves_changes_who_sees_whom() {
    let moves: &[(&str, &str, &[&str])] = &[
        ("user_ann", "UPDATE cover SET location_id = @unit", &["pat", "quinn"]),
        ("user_ann", "UPDATE cover SET location_id = @site", &["pat", "quinn"]),
        ("user_ann", "UPDATE cover SET location_id = @other_unit", &[]),
        ("user_ann", "UPDATE cover SET location_id = NULL, patient_id = @quinn", &["quinn"]),
        ("user_ann", "UPDATE cover SET during = tstzrange(lower(during), now())", &[]),
        ("user_ann", "UPDATE duties SET during = tstzrange(lower(during), now()) WHERE id = @duty", &[]),
        (
            "user_ann",
            "UPDATE locations SET parent_id = @other_unit WHERE id = @bed1; UPDATE cover SET location_id = @other_unit",
            &["pat"],
        ),
        ("user_ann", "UPDATE encounter_locations SET superseded_at = now() WHERE id = @lies", &[]),
        ("user_ann", "UPDATE encounter_locations SET status = 'leave' WHERE id = @lies", &["pat"]),
        ("user_ann", "UPDATE encounter_locations SET status = 'reserved' WHERE id = @lies", &[]),
        ("user_ann", "UPDATE encounter_locations SET during = tstzrange(lower(during), now()) WHERE id = @lies", &[]),
        ("user_ann", "UPDATE users SET status = 'disabled', disabled_at = now() WHERE id = @user_ann", &[]),
        ("user_ann", "UPDATE users SET practitioner_id = NULL WHERE id = @user_ann", &[]),
        ("user_cat", "UPDATE care_team SET during = tstzrange(lower(during), now())", &[]),
        ("user_dan", "UPDATE access_grants SET during = tstzrange(lower(during), now())", &[]),
        ("user_dan", "UPDATE access_grants SET patient_id = @pat", &["pat"]),
        ("user_ann", "UPDATE own_records SET superseded_at = NULL", &[]),
        ("user_cat", "UPDATE own_records SET superseded_at = NULL, user_id = @user_cat, patient_id = @quinn", &[]),
        ("user_dan", "UPDATE own_records SET superseded_at = NULL, user_id = @user_dan, patient_id = @quinn", &[]),
        (
            "user_dan",
            "UPDATE own_records SET superseded_at = NULL, user_id = @user_cat, patient_id = @quinn",
            &["quinn"],
        ),
    ];
    let db = ward().await;
    let (admin, portal) = (admin(&db).await, portal(&db).await);
    run(&admin, PUT_ON).await.unwrap();
    for (user, change, expected) in moves {
        run(&admin, &format!("BEGIN; {change}; COMMIT")).await.unwrap();
        assert_eq!(patients_of(&portal, user).await, *expected, "{change}");
        assert_eq!(worn_by(&portal, user).await, *expected, "{change}: a wall shows others than a chart");
        restore(&admin).await;
    }
}

/// Open screens look again then, and not only when they would have looked anyway.
#[tokio::test]
async fn whoever_ends_a_relation_is_heard() {
    let db = ward().await;
    let admin = admin(&db).await;
    run(&admin, PUT_ON).await.unwrap();
    let mut listener = db.pool().listen("test", "vigil_access").await.unwrap();
    for table in [
        "access_grants",
        "care_team",
        "cover",
        "device_assignments",
        "duties",
        "encounter_locations",
        "own_records",
        "role_grants",
        "sessions",
        "stations",
        "users",
    ] {
        let told = "SELECT count(*) FROM pg_trigger WHERE tgname = 'access_news' AND tgrelid = $1::text::regclass";
        assert_eq!(admin.query_one(told, &[&table]).await.unwrap().get::<_, i64>(0), 1, "{table}");
    }
    for table in ["care_team", "cover", "device_assignments", "duties", "encounter_locations", "own_records"] {
        let change = format!("UPDATE {table} SET realm = realm");
        run(&admin, &change).await.unwrap();
        tokio::time::timeout(std::time::Duration::from_secs(20), listener.heard()).await.expect(table);
    }
}

/// What the moves above changed, as the ward had it.
async fn restore(admin: &tokio_postgres::Client) {
    let restore = "UPDATE cover SET location_id = @bed1, patient_id = NULL, during = tstzrange(now() - interval '1 hour', now() + interval '8 hours');
        UPDATE duties SET during = tstzrange(now() - interval '1 hour', now() + interval '8 hours') WHERE id = @duty;
        UPDATE locations SET parent_id = @unit WHERE id = @bed1;
        UPDATE encounter_locations SET superseded_at = NULL, status = 'active', during = tstzrange('2026-01-01', NULL);
        UPDATE users SET status = 'active', disabled_at = NULL, practitioner_id = @ann WHERE id = @user_ann;
        UPDATE care_team SET during = tstzrange('2026-01-01', NULL);
        UPDATE own_records SET superseded_at = now(), user_id = @user_ann, patient_id = @pat;
        UPDATE access_grants SET patient_id = @quinn, during = tstzrange(now(), now() + interval '1 hour')";
    run(admin, restore).await.unwrap();
}

/// In each table with rows of both, only those of the patient she covers.
#[tokio::test]
async fn no_table_shows_rows_of_somebody_else() {
    let db = ward().await;
    let (admin, portal) = (admin(&db).await, portal(&db).await);
    let tables = "SELECT relname::text FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid AND attname = 'patient_id'
        WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname NOT IN ('patient_tokens', 'audit_subjects')";
    let pat = id("pat").to_string();
    let mut shown = 0;
    for row in admin.query(tables, &[]).await.unwrap() {
        let table: &str = row.get(0);
        let seen = seen_by(&portal, Some("user_ann"), &format!("SELECT coalesce(patient_id::text, '') FROM {table}"))
            .await
            .unwrap();
        // A cover of a place is nobody's row.
        assert!(seen.iter().all(|patient| *patient == pat || patient.is_empty()), "{table}");
        shown += seen.len();
    }
    assert!(shown > 20, "{shown} rows");
    for table in ["alarm_transitions", "deliveries"] {
        let alarms = format!("SELECT DISTINCT alarm_id::text FROM {table}");
        assert_eq!(seen_by(&portal, Some("user_ann"), &alarms).await.unwrap(), [id("alarm").to_string()], "{table}");
    }
    let terms = seen_by(&portal, Some("user_ann"), "SELECT token::text FROM patient_tokens").await.unwrap();
    assert_eq!(terms.len(), 2, "a search finds patients before it asks whom she may see");
}

/// The last relation that was found is remembered, of the user and for the transaction.
#[tokio::test]
async fn what_was_seen_is_remembered_for_nobody_else() {
    let db = ward().await;
    let portal = portal(&db).await;
    let set = async |user: &str| {
        let user = if user.is_empty() { String::new() } else { id(user).to_string() };
        portal.execute("SELECT set_config('vigil.user', $1, true)", &[&user]).await.unwrap();
    };
    let count = async || portal.query_one("SELECT count(*) FROM patients", &[]).await.unwrap().get::<_, i64>(0);
    portal.batch_execute("BEGIN").await.unwrap();
    set("user_ann").await;
    assert_eq!(count().await, 1);
    set("user_ben").await;
    assert_eq!(count().await, 0);
    set("").await;
    assert_eq!(count().await, 0);
    portal.batch_execute("COMMIT").await.unwrap();
    assert_eq!(count().await, 0);
    let left: Option<String> =
        portal.query_one("SELECT current_setting('vigil.seen', true)", &[]).await.unwrap().get(0);
    assert_eq!(left.as_deref(), Some(""));
}

#[tokio::test]
async fn who_has_no_relation_is_not_told_of_a_restricted_patient() {
    let db = ward().await;
    let (admin, portal) = (admin(&db).await, portal(&db).await);
    let standing = async |user: Option<&str>, patient: &str| {
        seen_by(&portal, user, &format!("SELECT standing({patient})")).await.unwrap().remove(0)
    };
    assert_eq!(standing(Some("user_ann"), "@pat").await, "seen");
    assert_eq!(standing(Some("user_ann"), "@quinn").await, "no_relation");
    assert_eq!(standing(Some("user_ann"), "@nobody").await, "unknown");
    assert_eq!(standing(Some("user_ann"), "NULL").await, "unknown");
    assert_eq!(standing(None, "@pat").await, "unknown");
    run(&admin, "UPDATE patients SET restricted = true").await.unwrap();
    assert_eq!(standing(Some("user_ann"), "@pat").await, "seen");
    assert_eq!(standing(Some("user_ann"), "@quinn").await, "unknown");
}
