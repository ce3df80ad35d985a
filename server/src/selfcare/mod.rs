//! What Vigil watches about itself and the machine it runs on: file descriptors, room on disks, certificates, its clock.
//!
//! Each question is a small function of what was seen; around it is a thin loop. Alarms go where all alarms go.

mod certificates;
mod descriptors;
mod disk;
mod router;
mod steps;

use std::time::Duration;

use alerting::Alerting;
use anyhow::Context;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use vitals::Clock;

use crate::config::Config;
use crate::database::Database;
use crate::tls::Tls;
use certificates::Certificates;
use disk::Disk;
use steps::{Reading, Steps};

pub(crate) use descriptors::provide as provide_descriptors;
pub(crate) use router::abort_with_the_router;

/// A step of the clock is told within this time.
const CLOCK_EVERY: Duration = Duration::from_secs(1);
/// At 100 MB/s a disk loses 1 GB in between; another certificate is served within it.
const SURROUNDINGS_EVERY: Duration = Duration::from_secs(10);

/// What is watched, and who is told.
pub(crate) struct Watched {
    surroundings: Surroundings,
    clock: Clock,
    alerting: Alerting,
}

/// What is asked of files and filesystems.
struct Surroundings {
    disks: Vec<Disk>,
    certificates: Certificates,
}

impl Watched {
    pub(crate) fn new(config: &Config, database: &Database, tls: &Tls, clock: &Clock, alerting: &Alerting) -> Self {
        let mut disks = vec![Disk::new("state", config.state_dir(), config.system.clone())];
        disks.extend(database.data_dir().map(|data| Disk::new("database", data, config.system.clone())));
        let surroundings = Surroundings { disks, certificates: Certificates::new(tls.clone()) };
        Self { surroundings, clock: clock.clone(), alerting: alerting.clone() }
    }
}

/// Watches until `stop`.
pub(crate) async fn run(watched: Watched, stop: CancellationToken) -> anyhow::Result<()> {
    let Watched { surroundings, clock, alerting } = watched;
    let alarm = |code: &str, present: bool| alerting.system(code, present, clock.now());
    tokio::select! {
        () = watch_the_clock(&alarm) => Ok(()),
        ended = watch_surroundings(surroundings, &clock, &alarm) => ended,
        () = stop.cancelled() => Ok(()),
    }
}

async fn watch_the_clock(alarm: &impl Fn(&str, bool)) {
    let mut ticks = interval(CLOCK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut steps = Steps::default();
    loop {
        ticks.tick().await;
        // None: the machine is too busy to read two clocks at once. The next look covers this one's time.
        let Some(reading) = Reading::take() else { continue };
        if let Some(step_us) = steps.look(reading) {
            tracing::error!(step_ms = step_us / 1_000, "the machine's clock was set");
            metrics::counter!("vigil_clock_steps_total").increment(1);
        }
        alarm("clock_stepped", steps.recent());
    }
}

async fn watch_surroundings(
    mut surroundings: Surroundings,
    clock: &Clock,
    alarm: &impl Fn(&str, bool),
) -> anyhow::Result<()> {
    let mut ticks = interval(SURROUNDINGS_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        ticks.tick().await;
        let now = clock.now();
        // A disk that hangs must not hold a thread that judges.
        let looked = tokio::task::spawn_blocking(move || {
            surroundings.disks.iter_mut().for_each(Disk::look);
            surroundings.certificates.look(now);
            surroundings
        });
        surroundings = looked.await.context("look at disks and certificates")?;
        alarm("disk_space", surroundings.disks.iter().any(Disk::is_low));
        alarm("certificate_expiry", surroundings.certificates.end_soon());
    }
}

/// An error that may come back at each look: told when it is news.
#[derive(Default)]
struct Trouble(Option<String>);

impl Trouble {
    fn tell<T>(&mut self, outcome: anyhow::Result<T>) -> Option<T> {
        match outcome {
            Ok(value) => {
                self.0 = None;
                Some(value)
            }
            Err(error) => {
                let text = format!("{error:#}");
                if self.0.as_ref() != Some(&text) {
                    tracing::error!("could not {text}");
                    self.0 = Some(text);
                }
                None
            }
        }
    }
}
