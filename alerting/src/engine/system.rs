use std::collections::BTreeMap;
use std::sync::Arc;

use vitals::{Condition, Priority, RuleVersion, Timestamp, What};

use super::Signal;

/// Alarms of Vigil about itself, by code. Whoever notices says so; nothing is timed here.
#[derive(Debug, Default)]
pub struct System(BTreeMap<String, (Arc<RuleVersion>, Timestamp)>);

impl System {
    /// Says whether the condition `code` holds at `at`; a signal only where that is news.
    pub fn set(&mut self, code: &str, present: bool, at: Timestamp) -> Option<Signal> {
        if present == self.0.contains_key(code) {
            return None;
        }
        let (what, rule, onset_at) = if present {
            let rule = Arc::new(RuleVersion::new(code, priority(code), Condition::System));
            self.0.insert(code.to_owned(), (rule.clone(), at));
            (What::Raised, rule, at)
        } else {
            let (rule, onset_at) = self.0.remove(code)?;
            (What::Cleared, rule, onset_at)
        };
        Some(Signal { device: None, rule, what, at, received_at: at, onset_at, value: None })
    }
}

/// High is what mutes beds already; medium gives somebody time to keep it from coming to that (docs/decisions/0012).
fn priority(code: &str) -> Priority {
    match code {
        "disk_space" | "certificate_expiry" | "clock_stepped" => Priority::Medium,
        _ => Priority::High,
    }
}
