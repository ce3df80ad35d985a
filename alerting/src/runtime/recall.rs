//! What a replay need not read frame by frame: minutes in which nothing happened to a device but that it was heard.

use store::recall::Minute;
use store::spans::LATENESS_MS;
use vitals::{ClockOffset, DeviceKey, Flags, Timestamp};

use crate::engine::Rules;

/// How long before the last stop frames are judged anew, one by one and at least: as long as a bedside device's rules remember. A
/// device whose rules remember longer is read whole.
pub(super) const JUDGED_MS: i64 = 60_000;

/// What is left of one device's frames from before the time that is judged.
#[derive(Clone, Debug)]
pub(super) struct Recalled {
    pub(super) device: DeviceKey,
    pub(super) clock: ClockOffset,
    pub(super) heard_at: Timestamp,
}

/// Of `minutes`, by device and time: the devices of which nothing from before `judged_from` matters but what is recalled here.
/// By when they were heard. All others are to be read whole.
pub(super) fn recollect<'a>(
    minutes: &[Minute],
    judged_from: Timestamp,
    rules: impl Fn(DeviceKey) -> &'a Rules,
) -> Vec<Recalled> {
    let devices = minutes.chunk_by(|left, right| left.device == right.device);
    let mut recalled: Vec<_> =
        devices.filter_map(|minutes| of_one(minutes, judged_from, rules(minutes[0].device))).collect();
    recalled.sort_by_key(|recalled| (recalled.heard_at, recalled.device));
    recalled
}

fn of_one(minutes: &[Minute], judged_from: Timestamp, rules: &Rules) -> Option<Recalled> {
    let (before, since) = minutes.split_at(minutes.partition_point(|minute| minute.minute < judged_from));
    let heard_at = before.iter().map(|minute| minute.heard_at).max()?;
    let newest = before.iter().map(|minute| minute.made.1).max()?;
    // What came since was made later than all that came before, or "not newer than the last one judged" would be told
    // wrongly, and is not from so long ago that it would be left out.
    let in_order =
        since.iter().all(|minute| minute.made.0 > newest && minute.made.0 >= judged_from.plus_millis(-LATENESS_MS));
    let remarkable = Flags(Flags::CLOCK_SUSPECT.0 | Flags::VALUE_FLAGGED.0 | Flags::SIMULATED.0);
    let plain = before.iter().all(|minute| minute.flags.0 & remarkable.0 == 0);
    let followed = before.iter().filter(|minute| minute.flags.has(Flags::JUDGED) && !minute.flags.has(Flags::NO_TIME));
    let least = followed.clone().map(|minute| minute.delay_us.0).min().unwrap_or(0);
    let most = followed.clone().map(|minute| minute.delay_us.1).max().unwrap_or(0);
    let unstepped = most - least <= rules.live_window_ms() * 1_000;
    (in_order && plain && unstepped && rules.memory_ms() <= JUDGED_MS).then(|| Recalled {
        device: minutes[0].device,
        clock: ClockOffset::recalled(followed.map(|minute| (minute.minute, minute.delay_us.0))),
        heard_at,
    })
}
