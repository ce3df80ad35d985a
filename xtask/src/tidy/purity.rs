use super::Finding;
use super::source::Source;

/// What decides must replay: these have no clock, no files, no sockets and no runtime.
const PURE: [&str; 3] = ["alerting/src/engine/", "vitals/src/", "interop/src/"];

/// The one place where a system clock is read, behind `Clock`.
const CLOCK: &str = "vitals/src/time.rs";

const IMPURE: [&str; 9] =
    ["tokio", "Instant", "SystemTime", "std::fs", "std::net", "std::env", "std::thread", "std::process", "async fn"];

pub(super) fn pure(source: &Source) -> Vec<Finding> {
    let declared = PURE.iter().any(|folder| source.path.starts_with(folder));
    if !declared || source.extension() != "rs" {
        return Vec::new();
    }
    let found = source.lines().filter_map(|(number, line)| {
        let line = line.split("//").next().unwrap_or_default();
        let word = IMPURE.iter().find(|word| mentions(line, word))?;
        let is_clock = source.path == CLOCK && matches!(*word, "SystemTime" | "Instant");
        (!is_clock).then(|| Finding::at(&source.path, number, format!("`{word}` in a module declared pure")))
    });
    found.collect()
}

/// As a word of its own.
fn mentions(line: &str, word: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        pure(&Source { path: path.to_owned(), text: text.to_owned() }).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_engine_has_no_clock_and_no_io() {
        assert_eq!(
            found("alerting/src/engine/limit.rs", "use vitals::Frame;\nuse std::time::Instant;\n"),
            ["alerting/src/engine/limit.rs:2: `Instant` in a module declared pure"]
        );
        assert_eq!(found("vitals/src/frame.rs", "let file = std::fs::read(path);").len(), 1);
    }

    #[test]
    fn others_may_wait_and_words_within_words_are_no_matter() {
        assert!(found("alerting/src/runtime/mod.rs", "use tokio::time::Instant;").is_empty());
        assert!(found("vitals/src/frame.rs", "struct Instantaneous; // no tokio").is_empty());
        assert!(found("vitals/src/frame.rs", "    // tokio stays outside").is_empty());
    }
}
