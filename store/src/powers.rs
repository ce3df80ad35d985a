//! Whether a role that serves may do more than serving needs: what row-level security, grants and the audit are worth
//! depends on it.

use crate::connect::connect_to;
use crate::{Access, Error, Role};

#[cfg(feature = "testing")]
pub(crate) const STATEMENTS: &[&str] = &[EXCESSIVE];

/// (role, what it is or may) of the roles named and of whoever asks: a pooler in between may have made another one of us.
/// Audit tables are those named audit_…, with their partitions. A superuser may everything, which is said once.
const EXCESSIVE: &str = "-- powers::excessive
    WITH RECURSIVE named (name) AS (
        SELECT unnest($1::text[]) UNION SELECT session_user
    ), running AS (
        SELECT r.* FROM pg_roles r JOIN named ON name = rolname
    ), bound AS (
        SELECT oid, rolname FROM running WHERE NOT rolsuper
    ), audit (oid) AS (
        SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relname LIKE 'audit\\_%' AND relnamespace = 'public'::regnamespace
        UNION SELECT inhrelid FROM audit JOIN pg_inherits ON inhparent = audit.oid
    )
    SELECT name, 'does not exist' FROM named WHERE to_regrole(name) IS NULL
    UNION ALL SELECT rolname, 'is a superuser' FROM running WHERE rolsuper
    UNION ALL SELECT rolname, 'passes by row-level security (BYPASSRLS)' FROM running WHERE rolbypassrls
    UNION ALL SELECT rolname, 'may make roles (CREATEROLE)' FROM running WHERE rolcreaterole
    UNION ALL SELECT rolname, 'may make databases (CREATEDB)' FROM running WHERE rolcreatedb
    UNION ALL SELECT rolname, 'may copy everything (REPLICATION)' FROM running WHERE rolreplication
    UNION ALL SELECT bound.rolname, 'is a member of ' || other.rolname FROM bound JOIN pg_roles other
        ON other.oid <> bound.oid AND pg_has_role(bound.oid, other.oid, 'MEMBER')
    UNION ALL SELECT rolname, 'owns the database ' || datname FROM bound JOIN pg_database ON datdba = bound.oid
    UNION ALL SELECT rolname, 'owns ' || c.oid::regclass::text FROM bound JOIN pg_class c ON relowner = bound.oid
        WHERE relpersistence <> 't' AND relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
    UNION ALL SELECT rolname, 'owns the function ' || p.oid::regprocedure::text FROM bound JOIN pg_proc p ON proowner = bound.oid
    UNION ALL SELECT rolname, 'owns the schema ' || nspname FROM bound JOIN pg_namespace ON nspowner = bound.oid
        WHERE nspname NOT LIKE 'pg\\_%'
    UNION ALL SELECT rolname, 'may make functions and tables in the schema public' FROM bound
        WHERE has_schema_privilege(bound.oid, 'public', 'CREATE')
    UNION ALL SELECT rolname, format('may %s %s', what, audit.oid::regclass) FROM bound CROSS JOIN audit
        CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS may (what)
        WHERE has_table_privilege(bound.oid, audit.oid, what)
            OR what = 'UPDATE' AND has_any_column_privilege(bound.oid, audit.oid, what)
    ORDER BY 1, 2";

/// Each is a sentence that begins with the role; none: every role is fit to serve.
pub async fn excessive(access: &Access) -> Result<Vec<String>, Error> {
    let mut found = Vec::new();
    for (place, role) in [(access.clone(), Role::Ingest), (access.key_store(), Role::Keys)] {
        let client = connect_to(place.to(role)?, "vigil check").await?;
        let names = Role::RUNNING.map(Role::name);
        for row in client.query(EXCESSIVE, &[&names.as_slice()]).await? {
            let (name, what): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            found.push(format!("{name} {what}"));
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}
