//! Who may do what is a table of `migrations/README.md`, which this test reads.

use std::collections::BTreeMap;

use super::{admin, ward};

const README: &str = include_str!("../../../../migrations/README.md");

const ROLES: [&str; 5] = ["vigil_ingest", "vigil_alerting", "vigil_portal", "vigil_audit", "vigil_keys"];

/// S, I, U, D, T of the whole table; in lower case where only some of its columns.
const RIGHTS: &str = "SELECT relname::text, role, string_agg(CASE
            WHEN has_table_privilege(role, pg_class.oid, word) THEN left(word, 1)
            WHEN word <> 'DELETE' AND word <> 'TRUNCATE' AND has_any_column_privilege(role, pg_class.oid, word) THEN lower(left(word, 1))
        END, '' ORDER BY place)
    FROM pg_class, unnest($1::text[]) role,
        unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) WITH ORDINALITY words (word, place)
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') GROUP BY 1, 2 ORDER BY 1, 2";

const FUNCTIONS: &str = "SELECT proname::text, role FROM pg_proc, unnest($1::text[]) role
    WHERE pronamespace = 'public'::regnamespace AND prosecdef AND has_function_privilege(role, pg_proc.oid, 'EXECUTE')
    ORDER BY 1, 2";

/// The cells of the rows of the table whose head begins with this word.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let rows = README.lines().skip_while(|line| !line.starts_with(&format!("| {head}"))).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|'));
    rows.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`')).collect()).collect()
}

#[tokio::test]
async fn each_role_may_what_the_readme_says_and_nothing_else() {
    let db = ward().await;
    let found = admin(&db).await.query(RIGHTS, &[&ROLES.as_slice()]).await.unwrap();
    let mut rights: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for row in &found {
        let of = rights.entry(row.get(0)).or_default();
        of.insert(row.get(1), row.get::<_, Option<String>>(2).unwrap_or_default());
    }
    let found: Vec<String> = rights
        .iter()
        .filter(|(_, of)| of.values().any(|right| !right.is_empty()))
        .map(|(table, of)| format!("| `{table}` | {} |", ROLES.map(|role| of[role].as_str()).join(" | ")))
        .collect();
    let said: Vec<String> = table("table")
        .iter()
        .flat_map(|cells| {
            // A row may be for several tables.
            let rights = cells[1..].join(" | ");
            cells[0]
                .split(", ")
                .map(|table| table.trim_matches('`').to_owned())
                .map(move |table| (table, rights.clone()))
                .collect::<BTreeMap<_, _>>()
        })
        .collect::<BTreeMap<_, _>>()
        .iter()
        .map(|(table, rights)| format!("| `{table}` | {rights} |"))
        .collect();
    assert_eq!(said, found, "migrations/README.md says\n{}\nand is\n{}", said.join("\n"), found.join("\n"));
}

#[tokio::test]
async fn each_role_may_call_what_the_readme_says_and_nothing_else() {
    let db = ward().await;
    let found = admin(&db).await.query(FUNCTIONS, &[&ROLES.as_slice()]).await.unwrap();
    let mut callers: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for row in &found {
        callers.entry(row.get(0)).or_default().push(row.get::<_, String>(1).trim_start_matches("vigil_").to_owned());
    }
    let found: Vec<String> =
        callers.iter().map(|(function, roles)| format!("| `{function}` | {} |", roles.join(", "))).collect();
    let said: Vec<String> =
        table("function").iter().map(|cells| format!("| `{}` | {} |", cells[0], cells[1])).collect();
    assert_eq!(said, found, "migrations/README.md says\n{}\nand is\n{}", said.join("\n"), found.join("\n"));
}
