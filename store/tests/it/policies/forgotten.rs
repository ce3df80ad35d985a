use super::{portal, seen_by};
use crate::schema::{admin, named, role, ward};

/// Tables of persons: by their column, and those that name a person otherwise or through an alarm.
const OF_PERSONS: &str = "SELECT relname::text, relrowsecurity AND relforcerowsecurity,
        EXISTS (SELECT FROM pg_policy WHERE polrelid = pg_class.oid) FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND (
        EXISTS (SELECT FROM pg_attribute WHERE attrelid = pg_class.oid AND attname IN ('patient_id', 'survivor_id') AND NOT attisdropped)
        OR relname IN ('patients', 'patients_history', 'alarm_transitions', 'deliveries')
    ) ORDER BY 1";

#[tokio::test]
async fn a_query_that_forgets_its_filter_returns_nothing() {
    let db = ward().await;
    let admin = admin(&db).await;
    let [portal, owner] = [portal(&db).await, role(&db, "vigil_owner").await];
    let tables = admin.query(OF_PERSONS, &[]).await.unwrap();
    assert!(tables.len() > 40, "{} tables of persons", tables.len());
    for row in &tables {
        let table: &str = row.get(0);
        assert!(row.get::<_, bool>(1), "{table} has no forced row-level security");
        assert!(row.get::<_, bool>(2), "{table} has no policy");
        let count = format!("SELECT count(*) FROM {table}");
        let rows: i64 = admin.query_one(&count, &[]).await.unwrap().get(0);
        assert!(rows > 0, "the ward has no row of {table}, so that nothing is tested");
        for (who, client) in [("the portal", &portal), ("the owner", &owner)] {
            match client.query_one(&count, &[]).await {
                Ok(row) => assert_eq!(row.get::<_, i64>(0), 0, "{who} sees {table} without saying for whom"),
                Err(error) => {
                    let error = store::Error::from(error);
                    assert_eq!(error.sqlstate(), Some("42501"), "{table}: {error}");
                }
            }
        }
    }
}

/// Rows of telemetry are in chunks, which no policy reaches: the portal has no right on any of them.
#[tokio::test]
async fn the_portal_has_no_right_on_telemetry() {
    let db = ward().await;
    let portal = portal(&db).await;
    for table in ["vitals", "vitals_minute", "vitals_dirty", "readings_other", "quarantine"] {
        let refused =
            seen_by(&portal, Some("user_ann"), &format!("SELECT count(*)::text FROM {table}")).await.unwrap_err();
        assert_eq!(refused.sqlstate(), Some("42501"), "{table}");
    }
    let reached = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r'
        AND relname LIKE '\\_hyper\\_%' AND has_table_privilege('vigil_portal', oid, 'SELECT')";
    let admin = admin(&db).await;
    admin
        .batch_execute("INSERT INTO vitals (at, received_at, device_key, flags, hr) VALUES (now(), now(), 1, 1, 70)")
        .await
        .unwrap();
    let reached: Vec<String> = admin.query(reached, &[]).await.unwrap().iter().map(|row| row.get(0)).collect();
    assert_eq!(reached, Vec::<String>::new());
}

#[tokio::test]
async fn vigil_itself_sees_everybody_and_an_unknown_part_nobody() {
    let db = ward().await;
    let portal = portal(&db).await;
    let patients = async |part: &str| {
        portal.batch_execute("BEGIN").await.unwrap();
        portal.execute("SELECT set_config('vigil.part', $1, true)", &[&part]).await.unwrap();
        let count: i64 = portal.query_one("SELECT count(*) FROM patients", &[]).await.unwrap().get(0);
        portal.batch_execute("ROLLBACK").await.unwrap();
        count
    };
    assert_eq!((patients("portal").await, patients("demo").await), (3, 3));
    assert_eq!((patients("nobody").await, patients("").await), (0, 0));
}

/// They work for no person, and need not say so in each transaction.
#[tokio::test]
async fn alerting_sees_alarms_without_saying_that_it_is_alerting() {
    let db = ward().await;
    let client = role(&db, "vigil_alerting").await;
    let counts = "SELECT (SELECT count(*) FROM alarms), (SELECT count(*) FROM alarm_transitions)";
    let row = client.query_one(&named(counts), &[]).await.unwrap();
    assert_eq!((row.get::<_, i64>(0), row.get::<_, i64>(1)), (2, 2));
}
