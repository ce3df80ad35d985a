//! What travels on `/live`: JSON text, one message a frame. The browser's types are generated from these.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;
use vitals::{DeviceName, Parameter, PatientId, Timestamp, What};

use crate::alarms::Alarm;
use crate::devices::Device;

/// A place in the order of all transitions: everything up to and including it has been seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    pub epoch: i64,
    pub seq: i64,
}

#[derive(Debug, Deserialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FromClient {
    Watch(Watch),
}

/// May be sent again: the new list replaces the old.
#[derive(Debug, Deserialize, TS)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watch {
    /// Whose numbers to send; null for all. Alarms of every device come always.
    pub devices: Option<Vec<String>>,
    #[serde(default)]
    #[ts(optional = nullable)]
    pub resume: Option<Token>,
}

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum FromServer {
    Hello {
        server_time_ms: i64,
        epoch: i64,
        seq: i64,
        heartbeat_ms: u32,
    },
    Roster {
        devices: Vec<LiveDevice>,
    },
    /// The transitions after the resume token, oldest first; a long list comes in several of these.
    Missed {
        alarms: Vec<Step>,
    },
    Snapshot {
        numbers: Vec<Latest>,
        /// All that are active now.
        alarms: Vec<Alarm>,
        epoch: i64,
        seq: i64,
        /// Transitions between the resume token and here could not be told one by one; `alarms` is the truth.
        resync: bool,
    },
    Numbers {
        numbers: Vec<Latest>,
    },
    Alarm(Step),
    Presence {
        device: DeviceText,
        connected: bool,
    },
    Heartbeat {
        server_time_ms: i64,
        epoch: i64,
        seq: i64,
    },
    Error {
        code: ErrorCode,
        detail: String,
    },
}

/// A device, and who it is on as far as this screen may say.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub(crate) struct LiveDevice {
    #[serde(flatten)]
    pub device: Device,
    /// Null: nobody, or the screen is to tell nothing of him: it is locked, or a station that shows no names.
    pub patient: Option<OnDevice>,
}

#[derive(Clone, PartialEq, Serialize, TS)]
pub(crate) struct OnDevice {
    #[ts(type = "string")]
    pub id: PatientId,
    /// By what this screen calls him; null: no name is known.
    pub label: Option<String>,
}

/// Without the name, which no log may have.
impl fmt::Debug for OnDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OnDevice({})", self.id)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, TS)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ErrorCode {
    MalformedMessage,
    TooManyDevices,
}

/// A transition as a screen needs it: the step, and the alarm after it.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub(crate) struct Step {
    pub epoch: i64,
    pub seq: i64,
    #[ts(type = "What")]
    pub what: What,
    /// When it happened, for who decides whose it was.
    #[serde(skip)]
    #[ts(skip)]
    pub at: Timestamp,
    pub alarm: Alarm,
}

/// A device's name where ts-rs needs a type of its own.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
#[ts(type = "string")]
pub(crate) struct DeviceText(pub DeviceName);

/// The last reading of every parameter of one device.
#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub(crate) struct Latest {
    #[ts(type = "string")]
    pub device: DeviceName,
    pub received_at_ms: i64,
    /// Add it to the device's time to get the server's.
    pub offset_ms: i64,
    #[ts(type = "{ [parameter: string]: LiveNumber }")]
    pub values: BTreeMap<Parameter, LiveNumber>,
}

#[derive(Clone, Debug, PartialEq, Serialize, TS)]
pub(crate) struct LiveNumber {
    /// Null where the mark says that there is nothing to show.
    pub value: Option<f32>,
    /// What the device, or our ranges, say about its worth; null: nothing.
    pub mark: Option<&'static str>,
    /// By the device's clock.
    pub at_ms: i64,
    pub received_at_ms: i64,
    /// When this was sent: the longer of the times since receipt and since the corrected event.
    pub age_ms: i64,
}
