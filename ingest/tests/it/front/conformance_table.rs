//! The table of docs/mqtt.md names tests that exist.

use std::collections::BTreeSet;
use std::path::Path;

/// Names of the tests in the files of a folder: functions under `#[test]` or `#[tokio::test]` that nothing keeps from running.
fn tests(folder: &Path, names: &mut BTreeSet<String>) {
    for file in std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()) {
        if file.is_dir() {
            tests(&file, names);
        } else if file.extension().is_some_and(|extension| extension == "rs") {
            let text = std::fs::read_to_string(&file).unwrap();
            let mut attributes = Vec::new();
            for line in text.lines().map(str::trim) {
                if line.starts_with("#[") {
                    attributes.push(line);
                    continue;
                }
                let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                let runs = attributes.iter().any(|attribute| is_test(attribute))
                    && !attributes.iter().any(|attribute| attribute.starts_with("#[ignore"));
                attributes.clear();
                names.extend(function.filter(|_| runs).and_then(|rest| Some(rest.split_once('(')?.0.to_owned())));
            }
        }
    }
}

fn is_test(attribute: &str) -> bool {
    ["#[test]", "#[tokio::test]"].contains(&attribute) || attribute.starts_with("#[tokio::test(")
}

#[test]
fn each_statement_is_shown_by_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut names = BTreeSet::new();
    for folder in ["ingest/tests", "ingest/src/front", "server/tests/it"] {
        tests(&root.join(folder), &mut names);
    }
    let page = std::fs::read_to_string(root.join("docs/mqtt.md")).unwrap();
    let (_, table) = page.split_once("## Conformance").expect("the table");
    let (mut rows, mut seen) = (0, BTreeSet::new());
    for row in table.lines().filter(|line| line.starts_with("| ")).skip(1) {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [five, old, _, answer, shown] = cells[..] else { panic!("five cells: {row}") };
        for (version, statements) in [(5, five), (3, old)] {
            for statement in statements.split(' ').filter(|statement| *statement != "–") {
                assert!(seen.insert((version, statement)), "{statement} is answered twice");
            }
        }
        let tests: Vec<&str> = shown.split('`').filter(|name| !name.trim_matches([' ', '–']).is_empty()).collect();
        assert!(!tests.is_empty() || answer == "not offered", "{row}");
        for test in tests {
            assert!(names.contains(test), "no test is called {test}");
        }
        rows += 1;
    }
    assert!(rows > 90, "{rows}");
}
