//! `bench proof`: what was acknowledged is there, once, after SIGKILL, after a repetition, after an hour.

mod beside;
mod kills;
mod soak;
mod twice;

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::ensure;
use vitals::Clock;

use crate::ledger::Verdict;
use crate::machine::Machine;
use crate::report;
use crate::site::{self, Site};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// At most a minute in all.
    #[arg(long)]
    quick: bool,
    /// Write the tables to this file as well.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[arg(long)]
    kills: Option<usize>,
    /// Frames that are sent twice.
    #[arg(long)]
    frames: Option<usize>,
    #[arg(long)]
    soak_minutes: Option<f64>,
    #[arg(long)]
    only: Option<Part>,
    /// Decides when the server is killed; the clock chooses one where it is left out.
    #[arg(long)]
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Part {
    Kills,
    Twice,
    Soak,
}

const CONNECTIONS: usize = 1_000;

/// What a part found.
struct Found {
    verdict: Verdict,
    /// What else must be zero: how many, and of what.
    wrong: Vec<(u64, &'static str)>,
    text: String,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    site::run("bench-proof", async |site| all(arguments, site).await)
}

async fn all(arguments: &Arguments, site: &Site) -> anyhow::Result<()> {
    let quick = arguments.quick;
    let kills = arguments.kills.unwrap_or(if quick { 3 } else { 20 });
    let frames = arguments.frames.unwrap_or(if quick { 100_000 } else { 1_000_000 });
    let minutes = arguments.soak_minutes.unwrap_or(if quick { 1.0 / 3.0 } else { 60.0 });
    let seed = arguments.seed.unwrap_or_else(|| Clock::system().now().micros().unsigned_abs());
    let wanted = |part| arguments.only.is_none_or(|only| only == part);
    let devices = site.enrol("bench", CONNECTIONS).await?;

    let mut text = String::new();
    writeln!(
        text,
        "# bench proof\n\n{}. PostgreSQL {}. Load, server and database on the same machine.\n\
         {CONNECTIONS} connections, QoS 1, window {}, one frame of 10 parameters a message.\n",
        Machine::read(),
        site.version().await?,
        crate::load::WINDOW,
    )?;
    let (mut result, mut verdict, mut wrong) = (String::from("RESULT"), Verdict::default(), Vec::new());
    let mut growth = None;
    let mut take = |found: Found| {
        verdict += found.verdict;
        wrong.extend(found.wrong.into_iter().filter(|(count, _)| *count > 0));
        text.push_str(&found.text);
    };
    if wanted(Part::Kills) {
        take(kills::run(site, &devices, kills, seed).await?);
        write!(result, " kills={kills}")?;
    }
    if wanted(Part::Twice) {
        take(twice::run(site, &devices, frames).await?);
    }
    if wanted(Part::Soak) {
        let (found, grown) = soak::run(site, &devices, minutes, quick).await?;
        take(found);
        growth = Some(grown);
    }
    let Verdict { acknowledged, lost, doubled, unasked, .. } = verdict;
    write!(result, " acked={acknowledged} lost={lost} doubled={doubled}")?;
    if let Some(growth) = growth {
        write!(result, " rss_growth_mb={growth:.1}")?;
    }
    writeln!(text, "`{result}`")?;
    if let Some(file) = &arguments.save {
        report::save(file, &text)?;
    }
    println!("{text}\n{result}");
    ensure!(lost == 0 && doubled == 0 && unasked == 0, "{lost} frames lost, {doubled} doubled, {unasked} nobody sent");
    ensure!(wrong.is_empty(), "what must be zero is not: {wrong:?}");
    Ok(())
}

fn verdict_table(text: &mut String, verdict: &Verdict, wrong: &[(u64, &str)]) -> std::fmt::Result {
    writeln!(text, "| frame by frame | |\n|---|---|")?;
    let mut line = |name: &str, count: u64| writeln!(text, "| {name} | {count} |");
    line("acknowledged", verdict.acknowledged)?;
    line("rows", verdict.rows)?;
    line("acknowledged and not in the table (lost)", verdict.lost)?;
    line("rows beyond one for a frame (doubled)", verdict.doubled)?;
    line("rows of frames that were not acknowledged in the end", verdict.unasked)?;
    for (count, what) in wrong {
        line(what, *count)?;
    }
    writeln!(text)
}
