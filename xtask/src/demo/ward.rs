//! The simulated beds, in a process of their own that knows the server by its address alone.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use anyhow::{Context, bail};

use super::vigil::Site;
use crate::folders;
use crate::program::{Running, command};

/// What happens on the ward: something early, so that a first look sees an alarm, then again and again.
const SCENARIOS: [&str; 5] =
    ["desaturation:2@1/240", "arrest:9@8/600", "lead_off:4@20/180", "sepsis:6@30", "network_loss:8@60/300"];

pub(super) struct Ward {
    running: Mutex<Running>,
    acknowledged: Arc<AtomicU64>,
    reading: JoinHandle<Option<u64>>,
}

impl Ward {
    pub(super) fn start(site: &Site, broker: SocketAddr, credentials: &Path) -> anyhow::Result<Self> {
        let devices = std::fs::read_to_string(credentials).context("read the beds' secrets")?.lines().count();
        let mut simulator = command(folders::release("device-sim"));
        simulator.args(["--broker", &format!("mqtts://localhost:{}", broker.port()), "--report-every", "1"]);
        simulator.arg("--ca").arg(site.ca()).arg("--credentials").arg(credentials);
        for scenario in SCENARIOS.iter().filter(|scenario| bed(scenario) < devices) {
            simulator.args(["--scenario", scenario]);
        }
        let log = File::create(site.path("device-sim.log")).context("write the simulator's log")?;
        let mut running = Running::start(simulator.stdout(Stdio::piped()).stderr(log))?;
        let stdout = running.child.stdout.take().context("read what the simulator prints")?;
        let acknowledged = Arc::new(AtomicU64::new(0));
        let latest = acknowledged.clone();
        let reading = thread::spawn(move || {
            let mut result = None;
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let Some(number) = acknowledged_in(&line) else { continue };
                latest.store(number, Ordering::Relaxed);
                if line.starts_with("RESULT ") {
                    result = Some(number);
                }
            }
            result
        });
        Ok(Self { running: Mutex::new(running), acknowledged, reading })
    }

    /// As of the last second.
    pub(super) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    pub(super) fn check_running(&self) -> anyhow::Result<()> {
        match self.running.lock().expect("nobody panics with it").ended()? {
            Some(status) => bail!("keep the beds running: {status}"),
            None => Ok(()),
        }
    }

    /// Lets outstanding acknowledgements come; answers how many frames were acknowledged.
    pub(super) fn stop(self) -> anyhow::Result<u64> {
        let status = self.running.lock().expect("nobody panics with it").stop()?;
        if !status.success() {
            bail!("have every frame acknowledged: the simulator ended with {status}");
        }
        self.reading.join().ok().flatten().context("read the simulator's result")
    }
}

/// The index of the bed that a scenario happens to.
fn bed(scenario: &str) -> usize {
    let index = scenario.split_once(':').and_then(|(_, rest)| rest.split('@').next());
    index.and_then(|index| index.parse().ok()).unwrap_or_default()
}

fn acknowledged_in(line: &str) -> Option<u64> {
    line.split_whitespace().find_map(|word| word.strip_prefix("acknowledged="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_simulators_lines_are_understood() {
        assert_eq!(acknowledged_in("sent=14 acknowledged=12 unacknowledged=2 resent=0"), Some(12));
        assert_eq!(acknowledged_in("RESULT sent=14 acknowledged=14 resent=0"), Some(14));
        assert_eq!(acknowledged_in("connected"), None);
    }

    #[test]
    fn a_scenario_names_its_bed() {
        assert_eq!(bed("desaturation:2@5/240"), 2);
    }
}
