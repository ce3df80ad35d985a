//! The nouns every part of Vigil shares: identifiers, parameters, frames, rules, alarms, topics and wire formats.
//!
//! **Absent on purpose**: I/O, `async`, a database, a clock that is read behind the caller's back.

mod alarm;
mod device;
mod frame;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod id;
mod offset;
mod parameter;
mod quarantine;
mod rule;
mod subscriber;
mod time;
mod topic;
mod validity;
pub mod wire;

pub use alarm::{Priority, Transition, What};
pub use device::{AgeClass, Device, DeviceKind, DeviceProfile, Realm};
pub use frame::{Flags, Frame, Mark, OtherReading, Values};
pub use id::{
    AlarmId, CorrelationId, DeviceKey, DeviceName, EventId, InvalidDeviceName, PatientId, RoleGrantId, RuleVersionId,
    SessionId, StationId, UserId,
};
pub use offset::{ClockOffset, Observed};
pub use parameter::{Parameter, UnitUnknown};
pub use quarantine::{Quarantined, Reason};
pub use rule::{Bound, Condition, RuleVersion};
pub use subscriber::subscriber;
pub use time::{Clock, Hand, Timestamp};
pub use topic::{Stream, Topic};
pub use validity::Validity;
