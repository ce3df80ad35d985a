//! What Vigil notices about itself and the machine it runs on.

use std::process::Command;

use store::testing::database;

use super::vigil::{Site, Vigil};

/// As a shell starts it that has called `ulimit`.
fn limited(site: &Site, ulimit: &str) -> Command {
    let vigil = site.command();
    let mut shell = Command::new("sh");
    shell.arg("-c").arg(format!("ulimit {ulimit}; exec \"$0\" \"$@\"")).arg(vigil.get_program());
    for (name, value) in vigil.get_envs() {
        shell.env(name, value.unwrap());
    }
    shell
}

/// Soft and hard limit of open files.
fn limits(pid: u32) -> (u64, u64) {
    let text = std::fs::read_to_string(format!("/proc/{pid}/limits")).unwrap();
    let line = text.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
    (numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn a_configuration_that_needs_more_descriptors_than_it_may_have_is_refused_before_anything_is_made() {
    let site = Site::new("host=/nowhere user=vigil dbname=vigil");
    let state = site.path("state");
    let output = limited(&site, "-n 300").env("VIGIL_STATE_DIR", &state).arg("all").output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(64), "{said}");
    for part in ["this process may have 300", "ingest.front.max_connections 16000", "LimitNOFILE="] {
        assert!(said.contains(part), "{part} in: {said}");
    }
    assert!(said.lines().count() == 1 && output.stdout.is_empty() && !state.exists(), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_soft_limit_of_descriptors_is_raised_as_far_as_the_configuration_needs_it() {
    let db = database().await;
    let site = Site::new(db.url());
    let vigil = Vigil::start(limited(&site, "-Sn 256"));
    let (soft, hard) = limits(vigil.pid());
    let (_, ours) = limits(std::process::id());
    assert!(soft > 16_000 && soft <= hard && hard == ours, "{soft} of {hard}, {ours} before");
}
