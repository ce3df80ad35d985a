//! SQL over the 16 parameters, written from their closed list.

use vitals::{Flags, Parameter, Validity};

/// Telemetry as charts and roll-ups count it; a WHERE clause of `vitals`.
pub(crate) fn real() -> String {
    format!("flags & {} = 0", Flags::SIMULATED.0)
}

/// One item a parameter, separated by commas.
pub(crate) fn each(item: impl Fn(&str) -> String) -> String {
    Parameter::ALL.iter().map(|parameter| item(parameter.key())).collect::<Vec<_>>().join(", ")
}

/// The value, or null where it carries a mark on which no limit is judged.
pub(crate) fn worthy(key: &str) -> String {
    let judged: Vec<_> =
        Validity::ALL.iter().filter(|mark| mark.judged()).map(|mark| format!("'{}'", mark.key())).collect();
    // Rows with marks are rare: the first test decides almost always.
    format!(
        "CASE WHEN q IS NULL OR q ->> '{key}' IS NULL OR q ->> '{key}' IN ({}) THEN {key} END AS {key}",
        judged.join(", ")
    )
}
