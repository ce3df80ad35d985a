//! `bench alarm`: from PUBLISH to the screen at half of the maximum load.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::load::{Latencies, Load, Plan, Source, WINDOW};
use crate::machine::{self, Machine};
use crate::maximum;
use crate::probes::{Habit, Probes, Seen};
use crate::report;
use crate::server::Server;
use crate::site::{self, Site};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Less than a minute.
    #[arg(long)]
    quick: bool,
    /// Write the table to this file as well.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// How long to measure.
    #[arg(long)]
    seconds: Option<u64>,
    /// Of the maximum load.
    #[arg(long, default_value_t = 0.5)]
    share: f64,
}

const CONNECTIONS: usize = 1_000;
const PROBES: usize = 20;

/// About 80 beginnings and ends of alarms and 40 numbers a second.
const HABIT: Habit = Habit { crossed_ms: 150..350, calm_ms: 150..350, number_ms: 300..700 };

/// Everybody connects, caches fill.
const SETTLE: Duration = Duration::from_secs(3);

/// What must hold, in ms (issue and design §2).
const ALARM_MUST: f64 = 100.0;
const NUMBER_MUST: f64 = 400.0;

/// What the background did while it was measured.
struct Background {
    frames_per_s: f64,
    latencies: Latencies,
    /// Processors kept busy.
    server: f64,
    load: f64,
    database: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    site::run("bench-alarm", async |site| all(arguments, site).await)
}

async fn all(arguments: &Arguments, site: &Site) -> anyhow::Result<()> {
    let (maximum_s, seconds) = if arguments.quick { (3, 12) } else { (8, 60) };
    let seconds = arguments.seconds.unwrap_or(seconds);
    let devices = site.enrol("bench", CONNECTIONS).await?;
    let alarms = site.enrol("probe", PROBES).await?;
    let numbers = site.enrol("number", PROBES).await?;
    let server = site.start()?;
    let maximum = maximum::measure(site, &server, &devices, Duration::from_secs(maximum_s)).await?;
    eprintln!("maximum load: {:.0} frames/s", maximum.frames_per_s);

    let wanted = maximum.frames_per_s * arguments.share;
    let source = Source::Paced(wanted);
    let load = Load::start(Plan { broker: server.mqtt, devices, window: WINDOW, source, returns: false })?;
    let mut probes = Probes::start(&server, &alarms, &numbers, &HABIT).await?;
    tokio::time::sleep(SETTLE).await;
    probes.measure();
    let background = measure(site, &server, &load, Duration::from_secs(seconds)).await?;
    probes.check()?;
    let seen = probes.finish().await?;
    load.stop().await?;

    let mut text = String::new();
    writeln!(
        text,
        "# bench alarm\n\n{}. PostgreSQL {}. Load, probes, screen, server and database on the same machine.",
        Machine::read(),
        site.version().await?
    )?;
    writeln!(
        text,
        "{seconds} s at {:.2} of the maximum load: {CONNECTIONS} connections, QoS 1, window {WINDOW}, one frame of 10 parameters a message. \
         Beside it {PROBES} devices that cross a limit without onset delay and come back, and {PROBES} whose numbers tell \
         themselves apart; one WebSocket watches them. By one clock, from the moment before PUBLISH is written to the moment \
         the message is read.\n",
        arguments.share
    )?;
    table(&mut text, &maximum, wanted, &background, &seen)?;
    let result = format!(
        "RESULT alarm_p50_ms={:.1} alarm_p99_ms={:.1} number_p99_ms={:.1} alarms={} lost={} doubled={}",
        seen.raised().ms(0.5),
        seen.raised().ms(0.99),
        seen.numbers().ms(0.99),
        seen.expected,
        seen.lost,
        seen.doubled,
    );
    writeln!(text, "\n`{result}`")?;
    if let Some(file) = &arguments.save {
        report::save(file, &text)?;
    }
    println!("{text}\n{result}");
    ensure!(
        seen.lost == 0 && seen.numbers_lost == 0,
        "{} alarms and {} numbers never came",
        seen.lost,
        seen.numbers_lost
    );
    ensure!(
        seen.doubled == 0 && seen.gaps == 0,
        "{} alarms came twice, {} places are missing",
        seen.doubled,
        seen.gaps
    );
    Ok(())
}

async fn measure(site: &Site, server: &Server, load: &Load, time: Duration) -> anyhow::Result<Background> {
    drop(load.take_latencies());
    let used = || (machine::cpu_seconds(server.pid()), load.cpu_seconds(), machine::cpu_seconds(site.postmaster));
    let (begin, before, used_before) = (Instant::now(), load.acknowledged(), used());
    tokio::time::sleep(time).await;
    load.check()?;
    let (seconds, frames, used) = (begin.elapsed().as_secs_f64(), load.acknowledged() - before, used());
    Ok(Background {
        frames_per_s: frames as f64 / seconds,
        latencies: load.take_latencies(),
        server: (used.0 - used_before.0) / seconds,
        load: (used.1 - used_before.1) / seconds,
        database: (used.2 - used_before.2) / seconds,
    })
}

fn table(
    text: &mut String,
    maximum: &maximum::Maximum,
    wanted: f64,
    background: &Background,
    seen: &Seen,
) -> std::fmt::Result {
    writeln!(text, "| ms | p50 | p99 | most | samples | p99 must be |\n|---|---|---|---|---|---|")?;
    let mut line = |name: &str, latencies: &Latencies, must: &str| {
        let (p50, p99, most) = (latencies.ms(0.5), latencies.ms(0.99), latencies.max_ms());
        writeln!(text, "| {name} | {p50:.1} | {p99:.1} | {most:.1} | {} | {must} |", latencies.count())
    };
    line("PUBLISH → alarm", &seen.raised(), &format!("≤ {ALARM_MUST:.0} (goal 25)"))?;
    line("PUBLISH → end of the alarm", &seen.cleared(), "")?;
    line("PUBLISH → number", &seen.numbers(), &format!("≤ {NUMBER_MUST:.0}"))?;
    line("PUBLISH → PUBACK, of the load", &background.latencies, "")?;
    line("the same at the maximum", &maximum.latencies, "")?;
    writeln!(text, "\n| what | |\n|---|---|")?;
    let mut line = |name: &str, value: String| writeln!(text, "| {name} | {value} |");
    line("maximum load, frames/s", format!("{:.0}", maximum.frames_per_s))?;
    line("load wanted, frames/s", format!("{wanted:.0}"))?;
    line("load reached, frames/s", format!("{:.0}", background.frames_per_s))?;
    line("reached against the maximum", format!("{:.2}", background.frames_per_s / maximum.frames_per_s))?;
    line("beginnings and ends of alarms", format!("{} expected, {} lost", seen.expected, seen.lost))?;
    line("came twice, places missing", format!("{}, {}", seen.doubled, seen.gaps))?;
    line("numbers that never came", seen.numbers_lost.to_string())?;
    line("transitions of others meanwhile", seen.others.to_string())?;
    line("processors: server", format!("{:.2}", background.server))?;
    line("processors: load", format!("{:.2}", background.load))?;
    line("processors: database", format!("{:.2}", background.database))
}
