//! What is recalled by the minute leads where every frame leads.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{TestError, TestRunner};
use store::recall::Minute;
use store::roster::Roster;
use tokio::sync::watch;
use vitals::{
    AgeClass, AlarmId, ClockOffset, DeviceProfile, Flags, Mark, Parameter, Transition, Validity, Values, What,
};

use super::super::known::{Known, KnownAlarm};
use super::super::outbox::Outbox;
use super::super::recall::{JUDGED_MS, recollect};
use super::super::shards::Shards;
use super::*;
use crate::profiles::Profiles;

type Told = Arc<parking_lot::Mutex<Vec<Transition>>>;

/// The stretch that is read begins with the first frame: an engine that knows only some of the past need not tell what one
/// that knew more of it told.
const STOPPED_MS: i64 = ClockOffset::MEMORY_MS + JUDGED_MS + 20_000;

const DOWN_MS: i64 = 40_000;

fn ms(ms: i64) -> Timestamp {
    Timestamp::from_millis(1_795_428_000_000 + ms)
}

fn judges(known: Known) -> (Judges, Told) {
    let told = Told::default();
    let seen = told.clone();
    let outbox = Arc::new(Outbox::new(2, known, Arc::new(move |told: &Transition| seen.lock().push(told.clone()))));
    let roster = watch::channel(Arc::new(Roster::default())).1;
    let profiles = Profiles::shipped().unwrap();
    (Judges { shards: Shards::new(), system: Default::default(), outbox, profiles, roster }, told)
}

/// How one device goes wrong.
#[derive(Clone, Debug)]
struct Habit {
    slow_ms: i64,
    jitter_ms: i64,
    /// At this time its clock is set back by so much.
    step: (i64, i64),
    /// Every so many frames one is something else than a live one; 0: never.
    oddity: u32,
    /// When it falls silent for good; where negative, so long before the engine stops for the first time. The alarm does not
    /// reach the table.
    leaves: Option<i64>,
}

fn habit() -> impl Strategy<Value = Habit> {
    let slow = prop_oneof![Just(0), Just(0), Just(3_600_000), Just(7_000), Just(-60_000)];
    let jitter = prop_oneof![Just(0), Just(300), Just(4_000), Just(20_000)];
    let back =
        prop_oneof![4 => Just(0), 1 => prop::sample::select(vec![-600_000, -30_000, -9_000, 9_000, 14_000, 30_000])];
    let oddity = prop_oneof![3 => Just(0u32), 1 => Just(60), 1 => Just(7)];
    let leaves =
        prop_oneof![4 => Just(None), 1 => (60_000..STOPPED_MS).prop_map(Some), 1 => (-9_000..0i64).prop_map(Some)];
    (slow, jitter, (0..STOPPED_MS, back), oddity, leaves).prop_map(|(slow_ms, jitter_ms, step, oddity, leaves)| Habit {
        slow_ms,
        jitter_ms,
        step,
        oddity,
        leaves,
    })
}

/// For each frame: gap, share of the jitter, how odd, level of the values.
type Draw = (i64, f64, u32, i64);

fn frames(device: i32, habit: &Habit, draws: &[Draw]) -> Vec<Frame> {
    let (mut now, mut frames) = (0, Vec::new());
    for &(gap, jitter, odd, level) in draws {
        let odd = if habit.oddity > 0 && odd % habit.oddity == 0 { odd / habit.oddity % 7 } else { 7 };
        now += gap * if odd == 0 { 12 } else { 1 };
        let step_ms = if now >= habit.step.0 { habit.step.1 } else { 0 };
        let late = (jitter * jitter * habit.jitter_ms as f64) as i64;
        let received_at = ms(now).plus_micros(i64::from(device));
        let at = received_at.plus_millis(-habit.slow_ms - step_ms - late);
        let judged = Flags::LIVE.with(Flags::JUDGED);
        let (at, flags) = match odd {
            1 => (at.plus_millis(-20_000), Flags::default()),
            2 => (at.plus_millis(-400_000), Flags::HIST),
            3 => (at, judged.with(Flags::VALUE_FLAGGED)),
            4 => (at, judged.with(Flags::SIMULATED)),
            5 => (received_at, judged.with(Flags::NO_TIME)),
            6 => (at, judged.with(Flags::CLOCK_SUSPECT)),
            _ => (at, judged),
        };
        let mut values = Values::default();
        // A sign of life, and a pressure that is measured rarely and judged at once.
        values.set(Parameter::Hr, if now / 20_000 % 4 == level { 135.0 } else { 80.0 });
        if gap % 50 == 0 {
            values.set(Parameter::NibpSys, if level == 0 { 170.0 } else { 120.0 });
        }
        let marks: Vec<Mark> = if odd == 3 { vec![(Parameter::Spo2, Validity::Implausible)] } else { Vec::new() };
        frames.push(Frame { device: DeviceKey(device), at, received_at, seq: None, flags, values, marks });
    }
    frames
}

/// As the database does.
fn by_minute(frames: &[Frame]) -> Vec<Minute> {
    let mut minutes: BTreeMap<_, Minute> = BTreeMap::new();
    for &Frame { device, at, received_at, flags, .. } in frames {
        let (minute, delay) = (received_at.minute(), received_at.micros_since(at));
        let new = Minute { device, minute, flags, delay_us: (delay, delay), made: (at, at), heard_at: received_at };
        let kept = minutes.entry((device, minute, flags.0)).or_insert(new);
        kept.delay_us = (kept.delay_us.0.min(delay), kept.delay_us.1.max(delay));
        kept.made = (kept.made.0.min(at), kept.made.1.max(at));
        kept.heard_at = kept.heard_at.max(received_at);
    }
    minutes.into_values().collect()
}

/// What the table has of the transitions that reached it.
fn table(told: &[Transition]) -> Vec<KnownAlarm> {
    let mut alarms: BTreeMap<AlarmId, KnownAlarm> = BTreeMap::new();
    for Transition { alarm, device, rule, what, at, onset_at, value, .. } in told.iter().cloned() {
        let new = KnownAlarm { device, rule, onset: onset_at, raised: at, ended: None, value };
        let kept = alarms.entry(alarm).or_insert(new);
        kept.value = value;
        kept.ended = (what == What::Cleared).then_some(at);
    }
    alarms.into_values().collect()
}

/// Beginnings and ends. How bad it got may be told a second sooner where less of the past is looked at.
fn said(told: &[Transition]) -> Vec<String> {
    let said = told.iter().filter(|told| told.what != What::Updated);
    let mut said: Vec<_> = said
        .map(|told| {
            let Transition { device, what, at, received_at, onset_at, .. } = told;
            format!("{at} {device:?} {} {} {onset_at} {received_at}", told.rule.code, what.word())
        })
        .collect();
    said.sort_unstable();
    said
}

/// How many devices were recalled, and what was told since the start, and goes on in the end.
fn after_restart(past: &Past, minutes: &[Minute], stream: &[Frame], later: &[Frame]) -> (usize, [Vec<String>; 2]) {
    let (judges, told) = judges(past.known());
    let stopped_at = past.stopped_at.unwrap();
    let stretch = past.stretch(stopped_at);
    let recalled = recollect(minutes, stretch.judged_from, |_| judges.profiles.of(None));
    let count = recalled.len();
    let mut replay = Replay::new(past, &judges, stretch, recalled);
    let wanted: Vec<_> =
        stream.iter().filter(|frame| frame.received_at >= replay.wants(frame.device)).cloned().collect();
    wanted.chunks(50).for_each(|frames| replay.take(frames));
    replay.end();
    judges.restart(stopped_at, past.started_at);
    past.reconcile(&judges);
    judges.judge(later);
    judges.advance(ms(STOPPED_MS + DOWN_MS + 200_000));
    let told = told.lock();
    (count, [said(&told), said(&judges.outbox.active())])
}

/// One stop within the stream, and how long it lasted.
type Stop = Option<(i64, i64)>;

fn compare(habits: &[Habit], draws: &[Vec<Draw>], stop: Stop, lost_ms: i64) -> Result<usize, TestCaseError> {
    let devices = habits.iter().zip(draws).enumerate();
    let mut all: Vec<_> =
        devices.flat_map(|(device, (habit, draws))| frames(device as i32 + 1, habit, draws)).collect();
    let down = |frame: &Frame, from: i64, ms_: i64| frame.received_at >= ms(from) && frame.received_at < ms(from + ms_);
    all.retain(|frame| !down(frame, STOPPED_MS, DOWN_MS) && stop.is_none_or(|(at, lasted)| !down(frame, at, lasted)));
    all.retain(|frame| {
        let leaves = habits[frame.device.0 as usize - 1].leaves;
        let leaves = leaves.and_then(|at| if at < 0 { Some(stop?.0 + at) } else { Some(at) });
        leaves.is_none_or(|leaves| frame.received_at < ms(leaves))
    });
    all.sort_by_key(|frame| (frame.received_at, frame.device, frame.at));
    let (stream, later) = all.split_at(all.partition_point(|frame| frame.received_at < ms(STOPPED_MS)));

    let (live, told) = judges(Known::default());
    live.outbox.replayed();
    let mut runs = vec![Run { started_at: ms(0), stopped_before: None }];
    let (first, second) =
        stream.split_at(stream.partition_point(|frame| stop.is_none_or(|(at, _)| frame.received_at < ms(at))));
    live.judge(first);
    if let Some((at, lasted)) = stop {
        live.restart(ms(at), ms(at + lasted));
        runs.push(Run { started_at: ms(at + lasted), stopped_before: Some(ms(at)) });
    }
    live.judge(second);
    live.advance(ms(STOPPED_MS));
    let last: BTreeMap<_, _> = all.iter().map(|frame| (Some(frame.device), frame.received_at)).collect();
    let reached = |told: &&Transition| {
        let silent = told.rule.code == "no_data" && last.get(&told.device) == Some(&told.onset_at);
        told.received_at < ms(STOPPED_MS - lost_ms) && !silent
    };
    let stored: Vec<_> = told.lock().iter().filter(reached).cloned().collect();
    let past = Past {
        epoch: 2,
        started_at: ms(STOPPED_MS + DOWN_MS),
        stopped_at: Some(ms(STOPPED_MS)),
        alarms: table(&stored),
        runs,
    };
    let (_, whole) = after_restart(&past, &[], stream, later);
    let (recalled, short) = after_restart(&past, &by_minute(stream), stream, later);
    let differs = |left: &[Vec<String>; 2], right: &[Vec<String>; 2]| -> Vec<String> {
        left.iter()
            .zip(right)
            .flat_map(|(left, right)| left.iter().filter(|told| !right.contains(told)))
            .cloned()
            .collect()
    };
    prop_assert!(
        short == whole,
        "{} recalled; more {:#?}, less {:#?}",
        recalled,
        differs(&short, &whole),
        differs(&whole, &short)
    );
    Ok(recalled)
}

fn draws() -> impl Strategy<Value = Vec<Draw>> {
    prop::collection::vec((200..5_000i64, 0.0..1.0f64, 0..420u32, 0..4i64), 250..300)
}

#[test]
fn recalling_minutes_tells_what_judging_every_frame_tells() {
    const DEVICES: usize = 6;
    // Of streams this long a smaller one that fails as well says no more.
    let config = ProptestConfig { cases: 100, max_shrink_iters: 0, ..ProptestConfig::default() };
    let recalled = Cell::new(0);
    let stop = prop::option::of((100_000..STOPPED_MS - 20_000, 5_000..60_000i64));
    let streams = (prop::collection::vec(habit(), DEVICES), prop::collection::vec(draws(), DEVICES), stop, 0..5_000i64);
    let outcome = TestRunner::new(config).run(&streams, |(habits, draws, stop, lost_ms)| {
        recalled.set(recalled.get() + compare(&habits, &draws, stop, lost_ms)?);
        Ok(())
    });
    if let Err(TestError::Fail(why, (habits, _, stop, lost_ms))) = outcome {
        panic!("{habits:?}, stop {stop:?}, lost {lost_ms} ms: {why}");
    }
    assert!(recalled.get() > 100, "hardly any device is recalled: {}", recalled.get());
}

#[test]
fn the_rules_of_a_bedside_device_remember_a_minute_and_those_of_a_home_device_longer() {
    let profiles = Profiles::shipped().unwrap();
    for age in [AgeClass::Adult, AgeClass::Paediatric, AgeClass::Neonatal] {
        assert_eq!(profiles.rules(age, DeviceProfile::Bedside).memory_ms(), JUDGED_MS);
        assert_eq!(profiles.rules(age, DeviceProfile::Home).memory_ms(), 150_000);
    }
}
