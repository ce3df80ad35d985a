use crate::{alarms, clocks, counts, frames, lease, migrate, minutes, recall, roster, series, spans, statuses};

/// Every statement of this crate but those of `telemetry`, which its `Connection` prepares when it opens.
pub fn statements() -> Vec<String> {
    let received = frames::received_between_sql(&[false, true]);
    let recalled = recall::recall_sql(&[false, true]);
    [
        &[clocks::LOAD, clocks::SAVE, counts::COUNTS, statuses::LOAD][..],
        &[spans::SLOW, &received, &recalled, frames::LAST_AT],
        &minutes::statements(),
        &series::statements(),
        lease::STATEMENTS,
        migrate::STATEMENTS,
        alarms::epochs::STATEMENTS,
        alarms::history::STATEMENTS,
        alarms::read::STATEMENTS,
        alarms::save::STATEMENTS,
        roster::read::STATEMENTS,
        roster::enrol::STATEMENTS,
    ]
    .concat()
    .into_iter()
    .map(str::to_owned)
    .collect()
}
