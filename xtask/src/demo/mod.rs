//! A simulated ward against everything, on this machine: the product as a user meets it.

mod people;
mod screen;
mod vigil;
mod ward;

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use localdb::{Cluster, Options, Purpose};

use crate::{bench, folders, interrupt, web};
use screen::Screen;
use vigil::{Counts, Site, Vigil};
use ward::Ward;

const LINE_EVERY: Duration = Duration::from_secs(5);
const LOOK: Duration = Duration::from_millis(200);
const QUICK_S: u64 = 30;
/// Acknowledged frames are in the table already; alarms are written behind their delivery.
const ALARMS_WRITTEN_WITHIN: Duration = Duration::from_secs(5);

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    ask: Option<Ask>,
    /// End after this long and say whether everything arrived.
    #[arg(long)]
    seconds: Option<u64>,
    /// The same as --seconds 30.
    #[arg(long, conflicts_with = "seconds")]
    quick: bool,
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u16).range(3..=500))]
    devices: u16,
    /// Go on with the data of the last run.
    #[arg(long)]
    keep: bool,
}

/// Of the demo that is running.
#[derive(Debug, clap::Subcommand)]
enum Ask {
    /// What somebody's authenticator shows now.
    Code { login: String },
    /// What makes a screen this station of the ward.
    StationCode { name: Option<String> },
}

#[derive(Debug)]
struct Outcome {
    frames_acked: u64,
    rows_stored: u64,
    alarms_raised: u64,
    alarms_seen: u64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    if let Some(ask) = &arguments.ask {
        return answer(ask);
    }
    step("building the browser UI and the release binaries; minutes the first time");
    web::build()?;
    bench::build()?;
    let state = folders::target().join("demo");
    let configured = configured_database();
    let options = Options { state_dir: state.join("localdb"), cache_dir: None, purpose: Purpose::Serve };
    // A configured database is not ours to empty, so what was enrolled there is kept with it.
    if !arguments.keep && configured.is_none() {
        clear(&state, &options)?;
    }
    fs::create_dir_all(&state).context("make a folder for the demo's state")?;
    let cluster = match configured {
        Some(_) => None,
        None => Some(localdb::start(&options, &step).context("start the private database")?),
    };
    let outcome = ward(arguments, &state);
    stop_database(cluster.as_ref())?;
    conclude(&outcome?, bounded(arguments).is_some())
}

fn answer(ask: &Ask) -> anyhow::Result<()> {
    let words = match ask {
        Ask::Code { login } => vec!["code", login],
        Ask::StationCode { name } => ["station-code"].into_iter().chain(name.as_deref()).collect(),
    };
    print!("{}", site(&folders::target().join("demo")).ask(&[&["demo"], &words[..]].concat())?);
    Ok(())
}

fn site(state: &Path) -> Site {
    // Beside the state, which no root key may lie in.
    let ours = configured_database().is_some() && !names_a_root_key();
    Site::new(state, ours.then(|| state.with_extension("root.key")))
}

/// `proof`: it ran for a given time, so an alarm was due.
fn conclude(outcome: &Outcome, proof: bool) -> anyhow::Result<()> {
    let Outcome { frames_acked, rows_stored, alarms_raised, alarms_seen } = outcome;
    println!(
        "{frames_acked} frames acknowledged to the beds, {rows_stored} rows stored, \
         {alarms_raised} alarms raised, {alarms_seen} seen by a screen"
    );
    println!(
        "RESULT frames_acked={frames_acked} rows_stored={rows_stored} alarms_raised={alarms_raised} alarms_seen={alarms_seen}"
    );
    if rows_stored != frames_acked {
        bail!("find every acknowledged frame: {rows_stored} rows for {frames_acked}");
    }
    if proof && (*alarms_raised == 0 || *alarms_seen == 0) {
        bail!("see an alarm: {alarms_raised} raised, {alarms_seen} seen");
    }
    Ok(())
}

fn bounded(arguments: &Arguments) -> Option<u64> {
    if arguments.quick { Some(QUICK_S) } else { arguments.seconds }
}

/// Runs the ward to its end. What it started is stopped in reverse, whatever happens.
fn ward(arguments: &Arguments, state: &Path) -> anyhow::Result<Outcome> {
    let site = site(state);
    site.make_root_key()?;
    step("starting vigil");
    let vigil = Vigil::start(&site)?;
    let credentials = enrol(&site, arguments.devices)?;
    people::seed(&site)?;
    let before = site.counts()?;
    let screen = Screen::open(vigil.portal, &people::station(&site, vigil.portal)?)?;
    step("switching the beds on");
    let ward = Ward::start(&site, vigil.mqtts, &credentials)?;
    people::print(&site, vigil.portal)?;
    let end = bounded(arguments).map(|seconds| Instant::now() + Duration::from_secs(seconds));
    if end.is_none() {
        println!("Ctrl-C ends it.");
    }
    watch(&vigil, &screen, &ward, end)?;

    step("switching the beds off");
    let frames_acked = ward.stop()?;
    let after = settled(&site, &before, screen.alarms())?;
    let outcome = Outcome {
        frames_acked,
        rows_stored: after.vitals.saturating_sub(before.vitals),
        alarms_raised: after.alarms.saturating_sub(before.alarms),
        alarms_seen: screen.alarms(),
    };
    step("stopping vigil");
    vigil.stop()?;
    Ok(outcome)
}

fn watch(vigil: &Vigil, screen: &Screen, ward: &Ward, end: Option<Instant>) -> anyhow::Result<()> {
    let begin = Instant::now();
    let mut next_line = begin + LINE_EVERY;
    while !interrupt::interrupted() && end.is_none_or(|end| Instant::now() < end) {
        thread::sleep(LOOK);
        vigil.check_running()?;
        ward.check_running()?;
        if Instant::now() >= next_line {
            next_line += LINE_EVERY;
            let metrics = vigil.metrics()?;
            println!(
                "{:>5} s  frames acknowledged {}  rows stored {}  alarms {}  screens {}",
                begin.elapsed().as_secs(),
                ward.acknowledged(),
                metrics.frames_stored,
                screen.alarms(),
                metrics.screens,
            );
        }
    }
    Ok(())
}

/// The counts once every alarm that a screen saw is in the table too.
fn settled(site: &Site, before: &Counts, seen: u64) -> anyhow::Result<Counts> {
    let begin = Instant::now();
    loop {
        let counts = site.counts()?;
        if counts.alarms.saturating_sub(before.alarms) >= seen || begin.elapsed() > ALARMS_WRITTEN_WITHIN {
            return Ok(counts);
        }
        thread::sleep(LOOK);
    }
}

/// Enrols what the state does not know yet; answers the file of the secrets.
fn enrol(site: &Site, devices: u16) -> anyhow::Result<PathBuf> {
    let file = site.path("credentials");
    let mut text = fs::read_to_string(&file).unwrap_or_default();
    let known = text.lines().count();
    if known < usize::from(devices) {
        step(&format!("enrolling {devices} beds"));
    }
    for bed in known + 1..=usize::from(devices) {
        let name = format!("bed-{bed:02}");
        text.push_str(&format!("{name} {}\n", site.enrol(&name)?));
    }
    fs::write(&file, text).context("write the beds' secrets")?;
    Ok(file)
}

fn clear(state: &Path, options: &Options) -> anyhow::Result<()> {
    localdb::remove(options).context("remove the last demo's database")?;
    if state.exists() {
        fs::remove_dir_all(state).context("remove the last demo's state")?;
    }
    Ok(())
}

fn stop_database(cluster: Option<&Cluster>) -> anyhow::Result<()> {
    match cluster {
        Some(cluster) => {
            step("stopping the database");
            cluster.stop().context("stop the database")
        }
        None => Ok(()),
    }
}

fn configured_database() -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the demo follows the same variable as the server it starts")]
    std::env::var("VIGIL_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

fn names_a_root_key() -> bool {
    std::env::var_os("VIGIL_KEYS_FILE").is_some_and(|file| !file.is_empty())
}

fn step(text: &str) {
    println!("· {text}");
}
