//! What a bench says in the end.

use std::path::Path;

/// The heading from which on a results file is written by hand.
const NOTES: [&str; 2] = ["## What the profile said", "## Notes"];

/// Writes the report over the last one; what a person wrote below the tables stays.
pub(crate) fn save(file: &Path, report: &str) -> anyhow::Result<()> {
    let old = std::fs::read_to_string(file).unwrap_or_default();
    let notes = NOTES.iter().filter_map(|heading| old.find(heading)).min().map_or("", |begin| &old[begin..]);
    Ok(std::fs::write(file, format!("{report}\n{notes}"))?)
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
