use crate::{
    administer, alarms, clocks, counts, frames, lease, migrate, minutes, powers, realms, recall, roster, series, spans,
    statuses, telemetry::quarantine,
};

/// Every statement of this crate but those of `telemetry`, which its `Connection` prepares when it opens.
pub fn statements() -> Vec<String> {
    let received = frames::received_between_sql(&[false, true]);
    let recalled = recall::recall_sql(&[false, true]);
    [
        &[clocks::LOAD, clocks::SAVE, counts::READINGS, counts::ALARMS, statuses::LOAD][..],
        &[spans::SLOW, &received, &recalled, frames::LAST_AT],
        &minutes::statements(),
        &series::statements(),
        administer::STATEMENTS,
        &[quarantine::PLAIN, quarantine::SEAL],
        lease::STATEMENTS,
        migrate::STATEMENTS,
        powers::STATEMENTS,
        realms::STATEMENTS,
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
