use super::Finding;
use super::source::Source;

/// A comment that opens with one of these narrates the next line.
const NARRATION: [&str; 15] = [
    "create",
    "creates",
    "initialize",
    "initializes",
    "get",
    "gets",
    "set",
    "sets",
    "return",
    "returns",
    "loop",
    "helper",
    "now",
    "previously",
    "here",
];
const NARRATION_BEGINS: [&str; 4] = ["check if ", "note that ", "step 1", "step 2"];

/// Promises that something else will come: finish it, or say so in the README.
const UNFINISHED: [&str; 11] = [
    "todo",
    "fixme",
    "xxx",
    "for now",
    "simplified",
    "placeholder",
    "in production",
    "real implementation",
    "dummy",
    "stub",
    "hack",
];

/// This folder spells the words out.
const SELF: &str = "xtask/src/tidy/";

pub(super) fn noise(source: &Source) -> Vec<Finding> {
    if !source.code() || source.path.starts_with(SELF) {
        return Vec::new();
    }
    let mark = match source.extension() {
        "sql" => "--",
        "py" | "sh" => "#",
        _ => "//",
    };
    let mut findings = Vec::new();
    let mut lines = source.lines().peekable();
    while let Some((number, line)) = lines.next() {
        let mut tell = |text: String| findings.push(Finding::at(&source.path, number, text));
        if line.contains("todo!(") || line.contains("unimplemented!(") {
            tell("unfinished: do it, or leave it out and say so in the README".to_owned());
        }
        let Some(comment) = comment(line, mark) else { continue };
        let lower = comment.text.to_lowercase();
        if let Some(word) = UNFINISHED.iter().find(|word| has_words(&lower, word)) {
            tell(format!("`{word}` in a comment: finish it, or say so in the README"));
        }
        if !comment.alone {
            continue;
        }
        if is_banner(comment.text) {
            tell("a banner: split the file instead".to_owned());
        }
        if !comment.doc && narrates(&lower) {
            tell("narrates the code; say why, a unit, a limit or a source".to_owned());
        }
        let next = lines.peek().map_or("", |(_, next)| *next);
        let is_whole = comment.doc && self::comment(next, mark).is_none();
        if is_whole && echoes(&lower, next) {
            tell("says what the next line says; add shape, unit, error or source, or leave it out".to_owned());
        }
    }
    findings
}

struct Comment<'a> {
    text: &'a str,
    /// `///` or `//!`.
    doc: bool,
    /// Nothing else on the line.
    alone: bool,
}

fn comment<'a>(line: &'a str, mark: &str) -> Option<Comment<'a>> {
    let trimmed = line.trim_start();
    if let Some(rest) = trimmed.strip_prefix(mark) {
        let text = rest.trim_start_matches(['/', '!']);
        return Some(Comment { text: text.trim(), doc: text.len() < rest.len(), alone: true });
    }
    // After code: a space on both sides, so that no URL and no string of slashes is taken for one.
    let (_, text) = line.split_once(&format!(" {mark} "))?;
    Some(Comment { text: text.trim(), doc: false, alone: false })
}

fn has_words(text: &str, words: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(words).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + words.len()..].chars().next();
        !before.is_some_and(is_letter) && !after.is_some_and(is_letter)
    })
}

fn is_banner(text: &str) -> bool {
    ["====", "----", "####", "****", "────"].iter().any(|line| text.starts_with(line) || text.ends_with(line))
}

fn narrates(lower: &str) -> bool {
    let first = lower.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    NARRATION.contains(&first) || NARRATION_BEGINS.iter().any(|begin| lower.starts_with(begin))
}

/// Every word of the comment is a word of the identifiers below it.
fn echoes(lower: &str, code: &str) -> bool {
    const SMALL: [&str; 16] =
        ["a", "an", "the", "of", "by", "for", "in", "to", "and", "is", "are", "its", "get", "return", "this", "with"];
    let known: Vec<String> = words(code);
    let said: Vec<String> = words(lower).into_iter().filter(|word| !SMALL.contains(&word.as_str())).collect();
    !said.is_empty() && said.iter().all(|word| known.contains(word))
}

/// Lower-case words without a plural's or a verb's `s`; `camelCase` and `snake_case` fall apart.
fn words(text: &str) -> Vec<String> {
    let mut spaced = String::new();
    for c in text.chars() {
        if c.is_uppercase() {
            spaced.push(' ');
        }
        spaced.extend(c.to_lowercase());
    }
    let words = spaced.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.strip_suffix('s').unwrap_or(word).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> usize {
        noise(&Source { path: "ingest/src/a.rs".to_owned(), text: text.to_owned() }).len()
    }

    #[test]
    fn a_comment_that_narrates_is_noise() {
        assert_eq!(found("// Create the pool\nlet pool = Pool::new();"), 1);
        assert_eq!(found("// Check if the device is known\n"), 1);
        assert_eq!(found("// Newest first: a screen shows what is active.\n"), 0);
        assert_eq!(found("// Settings of the cell.\n"), 0);
    }

    #[test]
    fn a_doc_comment_says_more_than_the_signature() {
        assert_eq!(found("/// Gets the patient by id.\nfn patient_by_id(id: PatientId)"), 1);
        assert_eq!(found("/// None where the patient was merged away.\nfn patient_by_id(id: PatientId)"), 0);
    }

    #[test]
    fn nothing_is_left_for_later() {
        assert_eq!(found("let x = 1; // good enough for now\n"), 1);
        assert_eq!(found("    todo!()\n"), 1);
        assert_eq!(found("// A stubborn device is told once.\n"), 0);
    }

    #[test]
    fn banners_are_a_sign_of_two_files_in_one() {
        assert_eq!(found("// ===== limits =====\n"), 1);
        assert_eq!(found("let url = \"https://x.example\";\n"), 0);
    }
}
