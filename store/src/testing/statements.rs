use crate::{clocks, counts, frames, migrate, roster, statuses};

/// Every statement of this crate but those of `telemetry`, which its `Connection` prepares when it opens.
pub fn statements() -> Vec<&'static str> {
    [
        &[clocks::LOAD, clocks::SAVE, counts::COUNTS, statuses::LOAD][..],
        &[frames::received_since_sql(), frames::LAST_AT],
        migrate::STATEMENTS,
        roster::read::STATEMENTS,
        roster::enrol::STATEMENTS,
    ]
    .concat()
}
