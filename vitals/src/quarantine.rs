use crate::{DeviceKey, Timestamp};

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $word:literal;)+) => {
        /// Why something was not stored as it came.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $variant),+ }

        impl Reason {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }
    };
}

reasons! {
    /// Not JSON, or not a frame: the whole message.
    Malformed "malformed";
    /// A frame without `t` in an array, or a `t` that is no time.
    NoTime "no_time";
    /// `t` more than two minutes ahead of our clock. Judged and shown all the same.
    Future "future";
    /// Before the device's enrolment or beyond the archive horizon.
    TooOld "too_old";
    /// One value outside its hard range; the rest of the frame is stored.
    HardRange "hard_range";
    /// One value that is no number.
    NotANumber "not_a_number";
    /// One value in a unit that cannot be converted.
    BadUnit "bad_unit";
    /// `seq` is no integer from 0 to 2^63-1.
    BadSeq "bad_seq";
    /// A key of a frame that cannot be a reading's code (over 64 bytes, or a control character).
    BadKey "bad_key";
    /// Another value is already stored for this device, moment and parameter.
    Conflict "conflict";
    /// The database refused the row (SQLSTATE class 22 or 23).
    Refused "refused";
    /// A topic of ours with a format or stream that this version does not take.
    Unsupported "unsupported";
}

/// What was refused, kept for an operator: a row of `quarantine`, unique by (device, topic, digest of the payload).
#[derive(Clone, Debug, PartialEq)]
pub struct Quarantined {
    pub device: DeviceKey,
    pub topic: String,
    pub reason: Reason,
    /// One clear sentence; names a key or a position, never a value.
    pub detail: String,
    /// What came; of what could not be understood at most `Quarantined::MAX_PAYLOAD` bytes.
    pub payload: Vec<u8>,
    /// Keyed hash of all of it: equal payloads have equal ones, and nobody can try payloads against it.
    pub digest: [u8; 32],
    pub received_at: Timestamp,
}

impl Quarantined {
    /// Bytes kept of a payload that could not be understood, so that garbage cannot fill the disk.
    pub const MAX_PAYLOAD: usize = 8 * 1024;
}
