use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{AlarmId, DeviceKey, RuleVersion, Timestamp};

/// IEC 60601-1-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    Medium,
    High,
}

impl Priority {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Low, Self::Medium, Self::High].into_iter().find(|priority| priority.word() == word)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    Raised,
    /// A more extreme value.
    Updated,
    Cleared,
}

impl What {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raised => "raised",
            Self::Updated => "updated",
            Self::Cleared => "cleared",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Raised, Self::Updated, Self::Cleared].into_iter().find(|what| what.word() == word)
    }
}

/// One step in the life of one alarm. (epoch, seq) orders all transitions of a cell and is the resume token.
#[derive(Clone, Debug, PartialEq)]
pub struct Transition {
    pub epoch: i64,
    pub seq: i64,
    pub alarm: AlarmId,
    /// None: an alarm of the system about itself.
    pub device: Option<DeviceKey>,
    pub rule: Arc<RuleVersion>,
    pub what: What,
    /// The moment the condition met its deadline, not the moment somebody noticed.
    pub at: Timestamp,
    /// The receive time of the input that brought it about.
    pub received_at: Timestamp,
    /// When the condition began; with device and rule version the alarm's key.
    pub onset_at: Timestamp,
    /// The most extreme value since onset, for limits.
    pub value: Option<f32>,
}
