use std::fs;
use std::path::Path;

use anyhow::Context;

/// A text file of the project, by its path from the root.
pub(super) struct Source {
    pub(super) path: String,
    pub(super) text: String,
}

/// Made by a tool or by a build: not ours to shape.
const MADE: [&str; 5] = [".git", "target", "node_modules", "dist", ".sqlx"];

const TEXT: [&str; 15] =
    ["rs", "ts", "tsx", "mjs", "css", "html", "sql", "py", "sh", "toml", "md", "json", "svg", "yaml", "lock"];

impl Source {
    pub(super) fn extension(&self) -> &str {
        self.path.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map_or("", |(_, extension)| extension)
    }

    /// Written by hand in a programming language.
    pub(super) fn code(&self) -> bool {
        let hand_written = !self.path.contains(".gen.");
        hand_written && matches!(self.extension(), "rs" | "ts" | "tsx" | "mjs" | "css" | "sql" | "py" | "sh")
    }

    /// Numbered from 1.
    pub(super) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }
}

pub(super) fn all(root: &Path) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    walk(root, "", &mut sources)?;
    sources.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(sources)
}

fn walk(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if MADE.contains(&name.as_str()) {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            walk(&entry.path(), &format!("{path}/"), sources)?;
            continue;
        }
        let text = name.rsplit_once('.').is_none_or(|(_, extension)| TEXT.contains(&extension));
        if text {
            let text = fs::read_to_string(entry.path()).with_context(|| format!("read {path}"))?;
            sources.push(Source { path, text });
        }
    }
    Ok(())
}
