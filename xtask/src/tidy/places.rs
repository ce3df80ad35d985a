use super::Finding;
use super::source::Source;

/// A checkout has no fixed place and no fixed host. Written in pieces so that this file passes.
const MACHINE: [&str; 4] =
    [concat!("/wo", "rk/"), concat!("/tm", "p/h/"), concat!("/ro", "ot/"), concat!("/home", "/")];

/// Hosts that a URL in our text may name: ourselves, examples, and where a fact comes from.
const HOSTS: [&str; 21] = [
    "localhost",
    "127.0.0.1",
    "[::1]",
    "0.0.0.0",
    "example.com",
    "www.w3.org",
    "biomejs.dev",
    "github.com",
    "hl7.org",
    "www.hl7.org",
    "loinc.org",
    "unitsofmeasure.org",
    "ucum.org",
    "www.rfc-editor.org",
    "docs.oasis-open.org",
    "www.postgresql.org",
    "docs.timescale.com",
    "json-schema.org",
    "spec.openapis.org",
    "www.apache.org",
    "hospital.vault.azure.net",
];

/// Written by package managers; what they may hold is checked apart.
const LOCKS: [&str; 2] = ["Cargo.lock", "portal/web/package-lock.json"];

/// No path of a machine, no host that a checkout should not know.
pub(super) fn named(source: &Source) -> Vec<Finding> {
    if LOCKS.contains(&source.path.as_str()) {
        return resolved(source);
    }
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        if let Some(path) = MACHINE.iter().find(|path| line.contains(**path)) {
            findings.push(Finding::at(&source.path, number, format!("`{path}` is a place on somebody's machine")));
        }
        for host in hosts(line).filter(|host| !is_known(host)) {
            let text = format!("host `{host}` is not on the list of xtask/src/tidy/places.rs");
            findings.push(Finding::at(&source.path, number, text));
        }
    }
    findings
}

/// A lock file names versions and digests, not the host they once came from.
fn resolved(source: &Source) -> Vec<Finding> {
    let lines = source.lines().filter(|(_, line)| line.trim_start().starts_with("\"resolved\""));
    lines.take(1).map(|(number, _)| Finding::at(&source.path, number, "names a registry's host")).collect()
}

fn hosts(line: &str) -> impl Iterator<Item = &str> {
    ["http://", "https://"].into_iter().flat_map(move |scheme| {
        line.match_indices(scheme).map(move |(at, _)| {
            let rest = &line[at + scheme.len()..];
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-._[]".contains(c)) && c != ':');
            let authority = &rest[..end.unwrap_or(rest.len())];
            authority.strip_prefix("[::1]").map_or_else(|| authority.split(':').next().unwrap_or_default(), |_| "[::1]")
        })
    })
}

/// Names without a dot are variables of a format string or hosts of a test.
fn is_known(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    HOSTS.contains(&host) || host.ends_with(".example") || !host.contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        named(&Source { path: path.to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn a_checkout_has_no_fixed_place() {
        assert_eq!(found("docs/a.md", concat!("see /wo", "rk/main/docs")), 1);
        assert_eq!(found("docs/a.md", "see docs/operations.md"), 0);
    }

    #[test]
    fn only_listed_hosts_are_named() {
        assert_eq!(found("a.rs", concat!("get(\"https:/", "/packages.somewhere.net/x\")")), 1);
        assert_eq!(found("a.rs", r#"format!("http://{address}/")"#), 0);
        assert_eq!(found("a.rs", r#"open("http://[::1]:8080/")"#), 0);
        assert_eq!(found("a.rs", r#"Origin: https://evil.example"#), 0);
    }

    #[test]
    fn a_lock_file_names_no_host() {
        let lock = "{\n  \"resolved\": \"somewhere\"\n}";
        assert_eq!(found("portal/web/package-lock.json", lock), 1);
        assert_eq!(found("portal/web/package-lock.json", "{\"integrity\": \"sha512\"}"), 0);
    }
}
