use super::Finding;
use super::source::Source;

/// A query of the portal whose answer grows with the data has a LIMIT: pages are cursors, not tables.
pub(super) fn bounded(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("portal/src/") || source.extension() != "rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (at, _) in source.text.match_indices(".query(") {
        let Some(sql) = literal(&source.text[at..]) else { continue };
        let upper = sql.to_uppercase();
        if upper.contains("SELECT") && !upper.contains("LIMIT") && !upper.contains("= ANY(") {
            let line = source.text[..at].lines().count();
            findings.push(Finding::at(&source.path, line, "reads a list without LIMIT"));
        }
    }
    findings
}

/// The first string literal of a call.
fn literal(call: &str) -> Option<&str> {
    let begin = call.find('"')? + 1;
    let end = call[begin..].find('"')? + begin;
    (!call[..begin].contains(')')).then(|| &call[begin..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        bounded(&Source { path: path.to_owned(), text: text.to_owned() }).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_list_has_a_limit() {
        let list = "let rows = db\n    .query(\"-- devices::page\n  SELECT key FROM devices ORDER BY key\", &[])";
        assert_eq!(
            found("portal/src/devices/store.rs", list),
            ["portal/src/devices/store.rs:2: reads a list without LIMIT"]
        );
        assert!(found("portal/src/devices/store.rs", &list.replace("ORDER BY key", "LIMIT $1")).is_empty());
        assert!(found("portal/src/devices/store.rs", &list.replace(".query(", ".query_one(")).is_empty());
        assert!(found("store/src/roster/read.rs", list).is_empty());
    }
}
