//! `bench ingest`: the whole way of a reading against the limit, alternating within one run.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Context, ensure};

use crate::limit;
use crate::load::{Load, Plan, Source, Told, WINDOW};
use crate::machine::{self, Machine};
use crate::report::{self, median};
use crate::server::Server;
use crate::site::{self, Enrolled, Site};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// At most a minute: one round, fewer frames.
    #[arg(long)]
    quick: bool,
    /// Write the table to this file as well.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    /// Only this number of connections.
    #[arg(long)]
    connections: Option<usize>,
    #[arg(long)]
    rounds: Option<usize>,
}

/// Parameters of a frame (dataset.rs).
const PARAMETERS: f64 = 10.0;
/// Where bare COPY gains nothing from larger batches: told beside the limit, since the server's batches vary in size.
const BEST_BATCH: usize = 10_000;

struct Round {
    told: Told,
    batch: usize,
    server_cpu: f64,
    database_cpu: f64,
    limit_seconds: f64,
    /// The same in batches of `BEST_BATCH`.
    best_seconds: f64,
    stored: u64,
}

impl Round {
    fn frames_per_s(&self) -> f64 {
        self.told.acknowledged as f64 / self.told.seconds
    }

    fn limit_per_s(&self) -> f64 {
        self.stored as f64 / self.limit_seconds
    }

    fn ratio(&self) -> f64 {
        self.frames_per_s() / self.limit_per_s()
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    site::run("bench-ingest", async |site| all(arguments, site).await)
}

async fn all(arguments: &Arguments, site: &Site) -> anyhow::Result<()> {
    let devices = site.enrol("bench", 1_000).await?;
    let version = site.version().await?;
    let rounds = if arguments.quick { 1 } else { 5 };
    let rounds = arguments.rounds.unwrap_or(rounds);

    let mut report = String::new();
    writeln!(
        report,
        "# bench ingest\n\n{}. PostgreSQL {version}. Load generator, server and database on the same machine.",
        Machine::read()
    )?;
    writeln!(
        report,
        "{rounds} round(s), QoS 1, window {WINDOW}, one frame of 10 parameters a message. \
         (a) is bare COPY of the same rows in batches of (b)'s median size; medians below.\n"
    )?;
    let mut result = String::from("RESULT");
    let (mut acknowledged, mut stored) = (0, 0);
    for connections in [50, 1_000] {
        if arguments.connections.is_some_and(|only| only != connections) {
            continue;
        }
        // Fifty connections have 400 frames in flight: their batches are small and both sides slow.
        let frames = match (arguments.quick, connections) {
            (true, 50) => 100_000,
            (true, _) => 200_000,
            (false, 50) => 300_000,
            (false, _) => 1_000_000,
        };
        // A server of its own for each number, so that its batch sizes are of this number alone.
        let server = site.start()?;
        // Not measured: the first round's batches are those of cold caches, and its median would decide the limit's.
        round(site, &server, &devices[..connections], frames / 4).await?;
        let mut done = Vec::new();
        for number in 0..rounds {
            let round = round(site, &server, &devices[..connections], frames).await?;
            eprintln!(
                "{connections} connections, round {}: {:.0} frames/s, limit {:.0} rows/s, ratio {:.2}, batch {}, p99 {:.1} ms, cpu s: server {:.1} load {:.1} database {:.1}",
                number + 1,
                round.frames_per_s(),
                round.limit_per_s(),
                round.ratio(),
                round.batch,
                round.told.latencies.ms(0.99),
                round.server_cpu,
                round.told.cpu_seconds,
                round.database_cpu,
            );
            ensure!(
                round.stored == round.told.acknowledged,
                "{} rows for {} acknowledged",
                round.stored,
                round.told.acknowledged
            );
            acknowledged += round.told.acknowledged;
            stored += round.stored;
            done.push(round);
        }
        let of = |value: &dyn Fn(&Round) -> f64| median(done.iter().map(value).collect());
        write!(result, " ratio_{connections}={:.2}", of(&Round::ratio))?;
        if connections == 1_000 {
            let (frames_per_s, p99) = (of(&Round::frames_per_s), of(&|round| round.told.latencies.ms(0.99)));
            write!(result, " values_per_s_1000={:.0} puback_p99_ms_1000={p99:.1}", frames_per_s * PARAMETERS)?;
        }
        writeln!(report, "## {connections} connections, {frames} frames a round\n")?;
        table(&mut report, &done)?;
    }
    write!(result, " acked={acknowledged} stored={stored}")?;
    writeln!(report, "`{result}`")?;
    if let Some(file) = &arguments.save {
        report::save(file, &report)?;
    }
    println!("{report}\n{result}");
    Ok(())
}

fn table(report: &mut String, done: &[Round]) -> std::fmt::Result {
    writeln!(report, "| what | median | all rounds |\n|---|---|---|")?;
    let mut line = |name: &str, digits: usize, value: &dyn Fn(&Round) -> f64| {
        let all: Vec<_> = done.iter().map(value).collect();
        let rounds: Vec<_> = all.iter().map(|value| format!("{value:.digits$}")).collect();
        writeln!(report, "| {name} | {:.digits$} | {} |", median(all), rounds.join(", "))
    };
    line("(b) frames/s", 0, &Round::frames_per_s)?;
    line("(b) values/s", 0, &|round| round.frames_per_s() * PARAMETERS)?;
    line("(a) rows/s", 0, &Round::limit_per_s)?;
    line("ratio (b)/(a)", 2, &Round::ratio)?;
    line("COPY in batches of 10,000, rows/s", 0, &|round| round.stored as f64 / round.best_seconds)?;
    line("(b) against that", 2, &|round| round.frames_per_s() * round.best_seconds / round.stored as f64)?;
    line("PUBACK p50 ms", 1, &|round| round.told.latencies.ms(0.5))?;
    line("PUBACK p99 ms", 1, &|round| round.told.latencies.ms(0.99))?;
    line("median batch, rows", 0, &|round| round.batch as f64)?;
    line("CPU s server", 1, &|round| round.server_cpu)?;
    line("CPU s load", 1, &|round| round.told.cpu_seconds)?;
    line("CPU s database", 1, &|round| round.database_cpu)?;
    writeln!(report)
}

/// Empties the table, runs (b), then (a) with the same rows.
async fn round(site: &Site, server: &Server, devices: &[Enrolled], frames: usize) -> anyhow::Result<Round> {
    site.empty().await?;
    let client = &site.client;
    let load = Load::ready(Plan {
        broker: server.mqtt,
        devices: devices.to_vec(),
        window: WINDOW,
        source: Source::Fast(Some(frames / devices.len())),
        returns: false,
    })?;
    let used = || (machine::cpu_seconds(server.pid()), machine::cpu_seconds(site.postmaster));
    let (server_before, database_before) = used();
    load.go();
    let told = load.ended().await?;
    let (server_after, database_after) = used();
    let stored: i64 = client.query_one("SELECT count(*) FROM vitals", &[]).await?.get(0);
    let batch = batch_rows(server).await?;

    let rows = limit::rows(client).await?;
    ensure!(rows.len() as i64 == stored, "{} rows read back of {stored}", rows.len());
    site.empty().await?;
    let limit_seconds = limit::copy(client, &rows, batch).await?;
    site.empty().await?;
    let best_seconds = limit::copy(client, &rows, BEST_BATCH).await?;
    Ok(Round {
        told,
        batch,
        server_cpu: server_after - server_before,
        database_cpu: database_after - database_before,
        limit_seconds,
        best_seconds,
        stored: stored as u64,
    })
}

/// The median number of rows a transaction of the last minute held, as the server tells it.
async fn batch_rows(server: &Server) -> anyhow::Result<usize> {
    let answer = server.metrics().await?;
    let line = answer
        .lines()
        .find(|line| line.starts_with("vigil_batch_rows{quantile=\"0.5\"}"))
        .context("the server tells no batch size")?;
    let rows: f64 = line.rsplit_once(' ').context("a value")?.1.parse()?;
    Ok(rows as usize)
}
