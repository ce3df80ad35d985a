macro_rules! validities {
    ($($(#[$doc:meta])* $variant:ident $key:literal judged $judged:literal;)+) => {
        /// What is known about the worth of a value (terms of IEEE 11073-10101 and BICEPS).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Validity { $($(#[$doc])* $variant),+ }

        impl Validity {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub const fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }

            pub fn from_key(key: &str) -> Option<Self> {
                match key { $($key => Some(Self::$variant),)+ _ => None }
            }

            /// Whether a limit may be judged on a value so marked.
            pub const fn judged(self) -> bool {
                match self { $(Self::$variant => $judged),+ }
            }
        }
    };
}

validities! {
    Validated "validated" judged true;
    Ongoing "ongoing" judged true;
    Early "early" judged true;
    // A doubtful crossing is shown to a person rather than swallowed.
    Questionable "questionable" judged true;
    Calibrating "calibrating" judged false;
    Invalid "invalid" judged false;
    NotAvailable "not_available" judged false;
    Overflow "overflow" judged false;
    Underflow "underflow" judged false;
    LeadOff "lead_off" judged false;
    Unplugged "unplugged" judged false;
    Artifact "artifact" judged false;
    /// Ours, not the device's: outside the plausible range.
    Implausible "implausible" judged false;
    /// Ours: the device used a term that is not in this list.
    Unknown "unknown" judged false;
}
