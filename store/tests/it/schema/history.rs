use tokio_postgres::Client;

use super::{admin, id, named, run, ward};

/// Rows that are no records of their own: streams, indexes, secrets, and what is only ever added.
const WITHOUT_VERSIONS: &[&str] = &[
    "alarm_transitions",
    "alarms",
    "audit_events",
    "audit_heads",
    "audit_links",
    "audit_streams",
    "audit_subjects",
    "credentials",
    "deliveries",
    "device_clocks",
    "device_credentials",
    "device_statuses",
    "engine_epochs",
    "engine_inputs",
    "idempotency",
    "node_epoch",
    "one_time_codes",
    "patient_tokens",
    "quarantine",
    "readings_other",
    "refinery_schema_history",
    "retention_classes",
    "role_permissions",
    "roles",
    "roster_revision",
    "rule_versions",
    "rules",
    "sessions",
    "sign_in_places",
    "station_old_tokens",
    "system_keys",
    "vitals",
    "vitals_dirty",
    "vitals_minute",
];

async fn strings(client: &Client, sql: &str) -> Vec<String> {
    client.query(&named(sql), &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

/// (version, ended, author, whether an audit event explains it, name) of what was kept of Mercy.
async fn kept(client: &Client) -> Vec<(i32, bool, String, bool, String)> {
    let kept = "SELECT version, NOT upper_inf(recorded), author, audit_id IS NOT NULL, name FROM organizations_history
        WHERE id = @mercy AND NOT isempty(recorded) ORDER BY version";
    let rows = client.query(&named(kept), &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
}

#[tokio::test]
async fn each_version_is_kept_with_who_made_it() {
    let db = ward().await;
    let client = admin(&db).await;
    let by_ann = "BEGIN;
        SELECT set_config('vigil.user', @user_ann::text, true), set_config('vigil.audit', @event::text, true);
        UPDATE organizations SET name = 'Mercy West' WHERE id = @mercy; COMMIT";
    run(&client, by_ann).await.unwrap();
    let by_command = "BEGIN; SELECT set_config('vigil.part', 'command', true);
        UPDATE organizations SET name = 'Mercy East', version = 99 WHERE id = @mercy; COMMIT";
    run(&client, by_command).await.unwrap();
    let role = strings(&client, "SELECT session_user::text").await.remove(0);
    let ann = id("user_ann").to_string();
    assert_eq!(
        kept(&client).await,
        [
            (1, true, role, false, "Mercy".to_owned()),
            (2, true, ann, true, "Mercy West".to_owned()),
            (3, false, "command".to_owned(), false, "Mercy East".to_owned()),
        ]
    );
    let versions = "SELECT version::text FROM organizations WHERE id = @mercy";
    assert_eq!(strings(&client, versions).await, ["3"]);
    let gaps = "SELECT 'a gap' FROM organizations_history a JOIN organizations_history b ON b.id = a.id AND b.version = a.version + 1
        WHERE upper(a.recorded) <> lower(b.recorded)";
    assert_eq!(strings(&client, gaps).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_removed_row_leaves_its_versions() {
    let db = ward().await;
    let client = admin(&db).await;
    run(&client, "DELETE FROM patient_flags WHERE id = @flag").await.unwrap();
    let left = "SELECT version || ' ' || upper_inf(recorded) FROM patient_flags_history WHERE id = @flag";
    assert_eq!(strings(&client, left).await, ["1 false"]);
}

#[tokio::test]
async fn versions_of_one_transaction_and_of_a_clock_that_stepped_back_last_a_moment_each() {
    let db = ward().await;
    let client = admin(&db).await;
    let twice = "BEGIN; UPDATE organizations SET name = 'a' WHERE id = @mercy; UPDATE organizations SET name = 'b' WHERE id = @mercy;
        COMMIT; UPDATE organizations_history SET recorded = tstzrange(now() + interval '1 hour', NULL) WHERE upper_inf(recorded);
        UPDATE organizations SET name = 'c' WHERE id = @mercy";
    run(&client, twice).await.unwrap();
    let names: Vec<_> =
        kept(&client).await.into_iter().map(|(version, ended, .., name)| (version, ended, name)).collect();
    let expected = [(1, true, "Mercy"), (2, true, "a"), (3, true, "b"), (4, false, "c")];
    assert_eq!(names, expected.map(|(version, ended, name)| (version, ended, name.to_owned())));
}

#[tokio::test]
async fn what_changes_by_the_minute_makes_no_version() {
    let db = ward().await;
    let client = admin(&db).await;
    let quiet = "UPDATE stations SET last_painted_at = now(), token_hash = sha256('new');
        UPDATE patient_identifiers SET token = sha256(token), key_version = 2;
        UPDATE devices SET external_id = external_id";
    run(&client, quiet).await.unwrap();
    let versions =
        "SELECT max(version)::text FROM (SELECT version FROM stations UNION ALL SELECT version FROM patient_identifiers
        UNION ALL SELECT version FROM devices) all_of_them";
    assert_eq!(strings(&client, versions).await, ["1"]);
    run(&client, "UPDATE stations SET privacy = 'none', last_painted_at = now()").await.unwrap();
    assert_eq!(strings(&client, versions).await, ["2"]);
}

#[tokio::test]
async fn every_record_has_versions_with_all_its_columns() {
    let db = ward().await;
    let client = admin(&db).await;
    let without = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname NOT LIKE '%\\_history' AND 2 > (
            SELECT count(*) FROM pg_trigger WHERE tgrelid = pg_class.oid AND tgname IN ('version_raised', 'version_kept')
        ) UNION SELECT 'refinery_schema_history' ORDER BY 1";
    assert_eq!(strings(&client, without).await, WITHOUT_VERSIONS);
    let columns = |table: &str| {
        format!(
            "SELECT attname || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute
            WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        )
    };
    let histories = "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
        AND relname LIKE '%\\_history' AND relname <> 'refinery_schema_history'";
    let histories = strings(&client, histories).await;
    assert!(histories.len() > 30, "{histories:?}");
    for history in histories {
        let own = strings(&client, &columns(history.trim_end_matches("_history"))).await;
        let kept = strings(&client, &columns(&history)).await;
        let head = ["recorded tstzrange", "author text", "audit_id uuid"].map(str::to_owned);
        assert_eq!(kept, [&head[..], &own].concat(), "{history}");
    }
}
