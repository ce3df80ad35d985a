//! The rules of the house that neither the compiler nor clippy knows. Each rule is a function from text to findings.

mod comments;
mod edges;
mod files;
mod places;
mod purity;
mod source;
mod sql;

use std::fmt;

use anyhow::bail;

use crate::folders;
use source::Source;

/// What is wrong, where, and what to do about it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; none where the whole file is meant.
    line: Option<usize>,
    text: String,
}

impl Finding {
    fn file(path: &str, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, text: text.into() }
    }

    fn at(path: &str, line: usize, text: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: Some(line), text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.text),
            None => write!(f, "{}: {}", self.path, self.text),
        }
    }
}

type Rule = fn(&Source) -> Vec<Finding>;

const RULES: [Rule; 6] = [files::length, files::name, purity::pure, comments::noise, places::named, sql::bounded];

pub(crate) fn run() -> anyhow::Result<()> {
    let sources = source::all(folders::root())?;
    let mut findings: Vec<_> = RULES.iter().flat_map(|rule| sources.iter().flat_map(rule)).collect();
    findings.extend(files::top_level(folders::root())?);
    findings.extend(files::migrations(sources.iter().map(|source| source.path.as_str())));
    findings.extend(edges::check()?);
    findings.sort();
    let long: Vec<_> = sources.iter().filter_map(files::long).collect();
    for finding in findings.iter().chain(&long) {
        println!("{finding}");
    }
    println!("{}", files::measure(&sources));
    if !findings.is_empty() {
        bail!("pass tidy: {} findings", findings.len());
    }
    Ok(())
}
