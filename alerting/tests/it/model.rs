//! The engine against a model that keeps everything and looks at one limit, one frame at a time.

use proptest::prelude::*;
use vitals::{Bound, Parameter, What};

use crate::ward::{LIVE, Ward, frame, limit};

const ONSET_MS: i64 = 5_000;
const DEAD_BAND: f32 = 3.0;
const LIMIT: f32 = 120.0;

/// In ms: received, event by a right clock.
#[derive(Clone, Copy, Debug)]
enum Input {
    Value { received: i64, at: i64, value: f32 },
    Restart { stopped: i64, started: i64 },
}

/// (what, at, onset) from the history alone: after each input it looks through everything since the last change.
fn model(inputs: &[Input]) -> Vec<(What, i64, i64)> {
    let mut told = Vec::new();
    // Each judged value as (event, value); `open` is the onset of a violation, `until` what it waits for.
    let (mut newest, mut offset) = (i64::MIN, 0);
    let (mut open, mut active) = (None::<(i64, i64, i64)>, None::<(i64, i64)>);
    for input in inputs.iter().chain(&[Input::Restart { stopped: i64::MAX / 4, started: i64::MAX / 4 }]) {
        let (Input::Value { received: now, .. } | Input::Restart { stopped: now, .. }) = *input;
        if let Some((onset, due, fires)) = open.filter(|(_, _, fires)| *fires <= now) {
            told.push((What::Raised, due, onset));
            (open, active) = (None, Some((onset, due)));
            assert!(due <= fires);
        }
        match *input {
            Input::Restart { stopped, started } => {
                open = open.map(|(onset, due, fires)| (onset, due + started - stopped, fires + started - stopped));
            }
            Input::Value { received, at, value } => {
                // The least delay of all: the streams are shorter than the ten minutes the engine remembers.
                offset = offset.min(received - at);
                let event = at + offset;
                if at <= newest {
                    continue;
                }
                newest = at;
                if let Some((onset, raised)) = active {
                    if value <= LIMIT - DEAD_BAND {
                        told.push((What::Cleared, event.max(raised), onset));
                        active = None;
                    }
                } else if value <= LIMIT {
                    open = None;
                } else if let Some((onset, due, _)) = open {
                    if event >= due {
                        told.push((What::Raised, due, onset));
                        (open, active) = (None, Some((onset, due)));
                    }
                } else {
                    open = Some((event, event + ONSET_MS, (event + ONSET_MS).max(received + 1_000)));
                }
            }
        }
    }
    told
}

fn engine(inputs: &[Input]) -> Vec<(What, i64, i64)> {
    let mut ward = Ward::new(&[limit("high", Bound::Upper, LIMIT, ONSET_MS, DEAD_BAND)]);
    let sec = |ms: i64| ms as f64 / 1_000.0;
    for input in inputs {
        match *input {
            Input::Value { received, at, value } => {
                ward.take(&frame(sec(received), sec(at), LIVE, &[(Parameter::Hr, value)]));
            }
            Input::Restart { stopped, started } => ward.restart(sec(stopped), sec(started)),
        }
    }
    ward.advance(1e7);
    let ms = |at: vitals::Timestamp| at.millis_since(crate::ward::sec(0.0));
    let limits = ward.signals.iter().filter(|signal| !signal.rule.technical() && signal.what != What::Updated);
    limits.map(|signal| (signal.what, ms(signal.at), ms(signal.onset_at))).collect()
}

/// Gaps, frames out of order, exact duplicates, restarts; delays stay within the live window.
fn streams() -> impl Strategy<Value = Vec<Input>> {
    let step = (0..30u8, 0..3_000i64, -1_000..12_000i64, prop_oneof![112..=117i32, 118..=120, 121..=130]);
    prop::collection::vec(step, 1..100).prop_map(|steps| {
        // The first frame comes without delay, so that the offset is known from the start.
        let (mut now, mut stream) = (0, vec![Input::Value { received: 0, at: 0, value: 115.0 }]);
        for (kind, gap, late, value) in steps {
            now += gap + 1;
            let fresh =
                Input::Value { received: now, at: now - if kind < 8 { late } else { late % 300 }, value: value as f32 };
            stream.push(match (kind, stream.last()) {
                (0, _) => {
                    let stopped = now;
                    now += late.max(0) * 3;
                    Input::Restart { stopped, started: now }
                }
                (9, Some(&Input::Value { at, value, .. })) if now - at < 14_000 => {
                    Input::Value { received: now, at, value }
                }
                (10, _) => {
                    now += late.max(0);
                    Input::Value { received: now, at: now, value: value as f32 }
                }
                _ => fresh,
            });
        }
        stream
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]
    #[test]
    fn the_engine_agrees_with_a_naive_model(stream in streams()) {
        prop_assert_eq!(engine(&stream), model(&stream));
    }
}
