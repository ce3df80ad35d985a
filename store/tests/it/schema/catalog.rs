use super::{admin, ward};

/// What explains itself: identifiers of rows of the table that the name says, moments, versions, and parameters, which
/// stand in one table of their own (vitals/src/parameter.rs).
const SPEAKS_FOR_ITSELF: &str =
    "attname IN ('id', 'version', 'audit_id', 'seq', 'minute', 'by', 'at') OR attname ~ '_(id|at|key)$'
    OR relname IN ('vitals', 'vitals_minute') AND format_type(atttypid, atttypmod) IN ('real', 'integer')";

async fn missing(sql: &str) -> Vec<String> {
    let db = ward().await;
    admin(&db).await.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn every_table_says_what_a_row_is_and_who_writes_it() {
    let silent =
        "SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        AND relname <> 'refinery_schema_history'
        AND coalesce(obj_description(oid, 'pg_class'), '') !~ '([Ww]ritten|[Aa]dded|reads it through)'";
    assert_eq!(missing(silent).await, Vec::<String>::new());
}

#[tokio::test]
async fn every_column_that_does_not_explain_itself_is_explained() {
    let silent = format!(
        "SELECT relname || '.' || attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND NOT attisdropped
            AND relname <> 'refinery_schema_history' AND col_description(attrelid, attnum) IS NULL
            AND NOT ({SPEAKS_FOR_ITSELF}) ORDER BY 1"
    );
    assert_eq!(missing(&silent).await, Vec::<String>::new());
}

/// Functions that run with the owner's rights cannot be led to objects of somebody else.
#[tokio::test]
async fn every_function_of_the_owner_says_where_it_looks() {
    let loose = "SELECT proname::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef
        AND NOT EXISTS (SELECT FROM unnest(proconfig) setting WHERE setting ~ '^search_path=.*pg_temp$')
        AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')";
    assert_eq!(missing(loose).await, Vec::<String>::new());
}
