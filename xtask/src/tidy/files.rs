use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;

use super::Finding;
use super::source::Source;

const AT_MOST: usize = 600;
const LONG: usize = 350;

/// Names that say nothing about what is inside, so that anything ends up there.
const EMPTY_NAMES: [&str; 6] = ["utils", "helpers", "common", "types", "misc", "service"];

/// Everything that may lie in the root. A diary does not.
const TOP_LEVEL: [&str; 34] = [
    ".cargo",
    ".ci",
    ".git",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "alerting",
    "archive",
    "benches",
    "clippy.toml",
    "config",
    "deny.toml",
    "device-sim",
    "docs",
    "fuzz",
    "ingest",
    "interop",
    "keys",
    "localdb",
    "migrations",
    "portal",
    "rust-toolchain.toml",
    "rustfmt.toml",
    "server",
    "store",
    "target",
    "vigil",
    "vitals",
    "xtask",
];

pub(super) fn length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if !source.code() || lines <= AT_MOST {
        return Vec::new();
    }
    vec![Finding::file(&source.path, format!("{lines} lines, at most {AT_MOST}; split by responsibility"))]
}

/// Not yet wrong.
pub(super) fn long(source: &Source) -> Option<Finding> {
    let lines = source.text.lines().count();
    let long = source.code() && (LONG + 1..=AT_MOST).contains(&lines);
    long.then(|| Finding::file(&source.path, format!("warning: {lines} lines; above {LONG} a file has two subjects")))
}

pub(super) fn name(source: &Source) -> Vec<Finding> {
    let name = source.path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    if !source.code() || !EMPTY_NAMES.contains(&stem) {
        return Vec::new();
    }
    vec![Finding::file(&source.path, format!("`{stem}` names nothing; call it after what is inside"))]
}

pub(super) fn top_level(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let entries = fs::read_dir(root).with_context(|| format!("read {}", root.display()))?;
    let names: Vec<_> =
        entries.filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned())).collect();
    Ok(strangers(names.iter().map(String::as_str)))
}

fn strangers<'a>(names: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    names
        .filter(|name| !TOP_LEVEL.contains(name))
        .map(|name| Finding::file(name, "not on the list of the root (xtask/src/tidy/files.rs); find it a room"))
        .collect()
}

/// Made before any migration, in every cluster.
const ROLES: &str = "migrations/roles.sql";

/// V1, V2, … without a gap and without a twin, in each folder of its own.
pub(super) fn migrations<'a>(paths: impl Iterator<Item = &'a str>) -> Vec<Finding> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in paths.filter(|path| path.starts_with("migrations/") && path.ends_with(".sql") && *path != ROLES) {
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        folders.entry(folder).or_default().push(path);
    }
    folders.values().flat_map(|paths| numbered(paths)).collect()
}

fn numbered(paths: &[&str]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut numbers = Vec::new();
    for &path in paths {
        let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
        match name.strip_prefix('V').and_then(|rest| rest.split_once("__")).map(|(number, _)| number.parse::<u32>()) {
            Some(Ok(number)) => numbers.push((number, path)),
            _ => findings.push(Finding::file(path, "a migration is named V<number>__<what>.sql")),
        }
    }
    numbers.sort_unstable();
    let expected = (1_u32..).zip(&numbers);
    let wrong = expected.filter(|(expected, (number, _))| expected != number);
    findings.extend(
        wrong
            .take(1)
            .map(|(expected, (number, path))| Finding::file(path, format!("number {number} where {expected} is next"))),
    );
    findings
}

pub(super) fn measure(sources: &[Source]) -> String {
    let mut lines: Vec<_> =
        sources.iter().filter(|source| source.code()).map(|source| source.text.lines().count()).collect();
    lines.sort_unstable();
    let at = |percent: usize| lines.get((lines.len().saturating_sub(1)) * percent / 100).copied().unwrap_or_default();
    format!("{} files; lines: median {}, 90 % {}, longest {}", lines.len(), at(50), at(90), at(100))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: &str, lines: usize) -> Source {
        Source { path: path.to_owned(), text: "x\n".repeat(lines) }
    }

    #[test]
    fn a_file_has_at_most_600_lines() {
        assert!(length(&source("portal/src/a.rs", 600)).is_empty());
        assert_eq!(
            length(&source("portal/src/a.rs", 601))[0].to_string(),
            "portal/src/a.rs: 601 lines, at most 600; split by responsibility"
        );
        assert!(length(&source("Cargo.lock", 5_000)).is_empty());
        assert!(length(&source("portal/web/src/api/types.gen.ts", 5_000)).is_empty());
        assert!(long(&source("a.rs", 350)).is_none() && long(&source("a.rs", 351)).is_some());
    }

    #[test]
    fn a_file_is_named_after_what_is_inside() {
        assert_eq!(name(&source("ingest/src/utils.rs", 1)).len(), 1);
        assert_eq!(name(&source("portal/web/src/helpers.ts", 1)).len(), 1);
        assert!(name(&source("portal/web/src/api/types.gen.ts", 1)).is_empty());
        assert!(name(&source("portal/src/devices/store.rs", 1)).is_empty());
    }

    #[test]
    fn the_root_holds_no_diary() {
        assert_eq!(strangers(["README.md", "IMPLEMENTATION_SUMMARY.md"].into_iter()).len(), 1);
    }

    #[test]
    fn migrations_are_numbered_without_a_gap() {
        let found = |paths: &[&str]| migrations(paths.iter().copied()).len();
        assert_eq!(found(&["migrations/V1__a.sql", "migrations/V2__b.sql", "migrations/README.md"]), 0);
        assert_eq!(found(&["migrations/V1__a.sql", "migrations/V3__b.sql"]), 1);
        assert_eq!(found(&["migrations/V1__a.sql", "migrations/V1__b.sql"]), 1);
        assert_eq!(found(&["migrations/first.sql"]), 1);
        assert_eq!(found(&["migrations/V1__a.sql", "migrations/keys/V1__b.sql", "migrations/roles.sql"]), 0);
        assert_eq!(found(&["migrations/V1__a.sql", "migrations/keys/V2__b.sql"]), 1);
    }
}
