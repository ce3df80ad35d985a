use std::collections::HashMap;
use std::process::{Command, Output};

use crate::broker::{Answer, Broker, Seen};

fn simulate(broker: &Broker, arguments: &str) -> (Output, HashMap<String, f64>) {
    let output = Command::new(env!("CARGO_BIN_EXE_device-sim"))
        .args(["--broker", &broker.address])
        .args(arguments.split_whitespace())
        .output()
        .expect("run the simulator");
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    let result = text.lines().last().and_then(|line| line.strip_prefix("RESULT ")).expect("a RESULT line last");
    let fields = result.split(' ').map(|field| field.split_once('=').expect("key=value"));
    let fields = fields.map(|(key, value)| (key.to_owned(), value.parse().expect("a number"))).collect();
    (output, fields)
}

/// 1, 2, 3 … without a gap.
fn counts_up(sequence: &[(usize, i64)]) -> bool {
    sequence.iter().map(|(_, seq)| *seq).eq(1..=sequence.len() as i64)
}

#[test]
fn every_frame_of_every_device_arrives_once_over_both_versions() {
    for (protocol, versions, batch) in [("3", vec![4, 4], 1), ("5", vec![5, 5], 4), ("mixed", vec![4, 5], 3)] {
        let broker = Broker::start(|_, _| Answer::Acknowledge);
        let arguments = format!("--devices 2 --rate 25 --seconds 1 --protocol {protocol} --batch {batch}");
        let (output, result) = simulate(&broker, &arguments);
        assert!(output.status.success());
        let mut seen: Vec<u8> = broker
            .seen()
            .iter()
            .filter_map(|seen| if let Seen::Connect { version, .. } = seen { Some(*version) } else { None })
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, versions);
        let sequences = ["sim-0001", "sim-0002"].map(|device| broker.sequence(device));
        let frames: usize = sequences.iter().map(Vec::len).sum();
        assert!(frames > 20, "{frames} frames in a second");
        assert!(sequences.iter().all(|sequence| counts_up(sequence)), "{sequences:?}");
        assert_eq!((result["sent"], result["acknowledged"]), (frames as f64, frames as f64));
        assert_eq!((result["resent"], result["lost"]), (0.0, 0.0));
    }
}

#[test]
fn what_a_lost_connection_left_unacknowledged_is_sent_again_in_order() {
    for protocol in ["3", "5"] {
        // The status is publish 0; frames 1 and 2 are acknowledged, 3 to 5 are not.
        let broker = Broker::start(|connection, publish| match (connection, publish) {
            (0, 0..=2) => Answer::Acknowledge,
            (0, 3 | 4) => Answer::Silence,
            (0, _) => Answer::HangUp,
            _ => Answer::Acknowledge,
        });
        let (output, result) = simulate(&broker, &format!("--rate 20 --seconds 1.5 --protocol {protocol}"));
        assert!(output.status.success());
        let (first, second): (Vec<_>, Vec<_>) =
            broker.sequence("sim-0001").into_iter().partition(|(connection, _)| *connection == 0);
        assert!(first.len() >= 5 && counts_up(&first), "{first:?}");
        assert!(second.iter().map(|(_, seq)| *seq).eq((3..).take(second.len())), "{second:?}");
        assert!(result["resent"] >= 3.0);
        assert_eq!(result["lost"], 0.0);
        assert_eq!(result["acknowledged"], 2.0 + second.len() as f64);
    }
}

#[test]
fn a_device_says_that_it_is_online_and_on_leaving_that_it_is_not() {
    let broker = Broker::start(|_, _| Answer::Acknowledge);
    simulate(&broker, "--rate 10 --seconds 0.5");
    let statuses: Vec<_> = broker
        .seen()
        .iter()
        .filter_map(|seen| match seen {
            Seen::Publish { topic, retain: true, payload, .. } if topic == "vigil/v1/sim-0001/status" => {
                Some(serde_json::from_str::<serde_json::Value>(payload).expect("JSON")["online"].clone())
            }
            _ => None,
        })
        .collect();
    assert_eq!(statuses, [true, false]);
    assert_eq!(broker.seen().last(), Some(&Seen::Disconnect { connection: 0 }));
}

#[test]
fn the_window_bounds_what_is_unacknowledged_and_the_exit_code_tells() {
    let broker = Broker::start(|_, publish| if publish == 0 { Answer::Acknowledge } else { Answer::Silence });
    let (output, result) = simulate(&broker, "--rate 50 --seconds 1 --window 4 --patience 1");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(broker.sequence("sim-0001"), [(0, 1), (0, 2), (0, 3), (0, 4)]);
    assert_eq!((result["sent"], result["acknowledged"], result["lost"]), (4.0, 0.0, 0.0));
}

#[test]
fn a_full_outbox_gives_up_the_oldest_frames_and_counts_them() {
    let broker = Broker::start(|connection, _| if connection == 0 { Answer::HangUp } else { Answer::Acknowledge });
    let (output, result) = simulate(&broker, "--rate 200 --seconds 1 --keep 5");
    assert!(output.status.success());
    let sequence = broker.sequence("sim-0001");
    assert!(sequence.windows(2).all(|pair| pair[0].1 < pair[1].1), "{sequence:?}");
    assert!(result["lost"] > 0.0);
}

#[test]
fn a_pulled_cable_drops_the_connection_and_the_gap_is_filled_afterwards() {
    let broker = Broker::start(|_, _| Answer::Acknowledge);
    let (output, result) = simulate(&broker, "--rate 20 --seconds 1.5 --scenario network_loss:0@0.5");
    assert!(output.status.success());
    let sequence = broker.sequence("sim-0001");
    let connections = sequence.iter().map(|(connection, _)| *connection).max();
    assert_eq!(connections, Some(1));
    let mut seqs: Vec<_> = sequence.iter().map(|(_, seq)| *seq).collect();
    seqs.dedup();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as i64), "{seqs:?}");
    assert_eq!(result["lost"], 0.0);
}

#[test]
fn quality_of_service_0_waits_for_nobody() {
    let broker = Broker::start(|_, _| Answer::Silence);
    let (output, result) = simulate(&broker, "--rate 20 --seconds 1 --qos 0 --protocol 5");
    assert!(output.status.success());
    assert!(counts_up(&broker.sequence("sim-0001")));
    assert!(result["sent"] > 10.0);
    assert_eq!(result["acknowledged"], 0.0);
}
