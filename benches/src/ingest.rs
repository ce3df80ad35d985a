//! `bench ingest`: the whole way of a reading against the limit, alternating within one run.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use tokio_postgres::{Client, NoTls};

use crate::limit;
use crate::load::Told;
use crate::machine::{self, Machine};
use crate::server::Server;

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
const WINDOW: usize = 8;
/// The heading from which on a results file is written by hand.
const NOTES: &str = "## What the profile said";
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
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = std::env::current_exe()?.with_file_name("bench-ingest");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("remove the last bench's state")?;
    }
    std::fs::create_dir_all(&folder)?;
    let options =
        localdb::Options { state_dir: folder.join("localdb"), cache_dir: None, purpose: localdb::Purpose::Serve };
    let cluster = localdb::start(&options, &|step| eprintln!("{step}"))?;
    let outcome = runtime.block_on(all(arguments, &folder, &cluster));
    localdb::remove(&options)?;
    outcome
}

async fn all(arguments: &Arguments, folder: &Path, cluster: &localdb::Cluster) -> anyhow::Result<()> {
    let url = cluster.url();
    store::migrate::run(&url).await?;
    let (client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    tokio::spawn(connection);
    let credentials = enrol(&client, folder, 1_000).await?;
    let version: String = client.query_one("SHOW server_version", &[]).await?.get(0);
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
        let server = Server::start(folder, &url)?;
        // Not measured: the first round's batches are those of cold caches, and its median would decide the limit's.
        round(&client, &server, cluster.pid(), &credentials, connections, frames / 4).await?;
        let mut done = Vec::new();
        for number in 0..rounds {
            let round = round(&client, &server, cluster.pid(), &credentials, connections, frames).await?;
            eprintln!(
                "{connections} connections, round {}: {:.0} frames/s, limit {:.0} rows/s, ratio {:.2}, batch {}, p99 {:.1} ms, cpu s: server {:.1} load {:.1} database {:.1}",
                number + 1,
                round.frames_per_s(),
                round.limit_per_s(),
                round.ratio(),
                round.batch,
                round.told.p99_ms,
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
            let (frames_per_s, p99) = (of(&Round::frames_per_s), of(&|round| round.told.p99_ms));
            write!(result, " values_per_s_1000={:.0} puback_p99_ms_1000={p99:.1}", frames_per_s * PARAMETERS)?;
        }
        writeln!(report, "## {connections} connections, {frames} frames a round\n")?;
        table(&mut report, &done)?;
    }
    write!(result, " acked={acknowledged} stored={stored}")?;
    writeln!(report, "`{result}`")?;
    if let Some(file) = &arguments.save {
        // What a person wrote below the tables stays.
        let notes = std::fs::read_to_string(file).ok().and_then(|old| Some(old[old.find(NOTES)?..].to_owned()));
        std::fs::write(file, format!("{report}\n{}", notes.unwrap_or_default()))?;
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
    line("PUBACK p50 ms", 1, &|round| round.told.p50_ms)?;
    line("PUBACK p99 ms", 1, &|round| round.told.p99_ms)?;
    line("median batch, rows", 0, &|round| round.batch as f64)?;
    line("CPU s server", 1, &|round| round.server_cpu)?;
    line("CPU s load", 1, &|round| round.told.cpu_seconds)?;
    line("CPU s database", 1, &|round| round.database_cpu)?;
    writeln!(report)
}

/// Empties the table, runs (b), then (a) with the same rows.
async fn round(
    client: &Client,
    server: &Server,
    postmaster: u32,
    credentials: &Path,
    connections: usize,
    frames: usize,
) -> anyhow::Result<Round> {
    empty(client).await?;
    let frames = frames / connections;
    // Event time spans five seconds however many frames a device sends, so that all of them are live.
    let spacing_us = 5_000_000 / frames as i64;
    let mut load = Command::new(std::env::current_exe()?)
        .args(["load", "--broker", &server.mqtt.to_string(), "--connections", &connections.to_string()])
        .args([
            "--frames",
            &frames.to_string(),
            "--window",
            &WINDOW.to_string(),
            "--spacing-us",
            &spacing_us.to_string(),
        ])
        .arg("--credentials")
        .arg(credentials)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(load.stdout.take().context("the load's output")?).lines();
    ensure!(lines.next().transpose()?.as_deref() == Some("ready"), "the load did not become ready");
    let used = || (machine::cpu_seconds(server.pid()), machine::cpu_seconds(postmaster));
    let (server_before, database_before) = used();
    load.stdin.take().context("the load's input")?.write_all(b"go\n")?;
    let Some(line) = lines.next().transpose()? else { bail!("the load failed") };
    let (server_after, database_after) = used();
    let told: Told = serde_json::from_str(&line)?;
    ensure!(load.wait()?.success(), "the load failed");
    let stored: i64 = client.query_one("SELECT count(*) FROM vitals", &[]).await?.get(0);
    let batch = batch_rows(server).await?;

    let rows = limit::rows(client).await?;
    ensure!(rows.len() as i64 == stored, "{} rows read back of {stored}", rows.len());
    empty(client).await?;
    let limit_seconds = limit::copy(client, &rows, batch).await?;
    empty(client).await?;
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

/// Both sides begin with empty tables and without a checkpoint in the middle.
async fn empty(client: &Client) -> anyhow::Result<()> {
    client.batch_execute("TRUNCATE vitals, vitals_minute, vitals_dirty").await?;
    // A checkpoint needs more rights than the owner has; where it is refused the settings keep it out of a round.
    drop(client.batch_execute("CHECKPOINT").await);
    Ok(())
}

/// The median number of rows a transaction of the last minute held, as the server tells it.
async fn batch_rows(server: &Server) -> anyhow::Result<usize> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(server.portal).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", server.portal);
    socket.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await?;
    let line = answer
        .lines()
        .find(|line| line.starts_with("vigil_batch_rows{quantile=\"0.5\"}"))
        .context("the server tells no batch size")?;
    let rows: f64 = line.rsplit_once(' ').context("a value")?.1.parse()?;
    Ok(rows as usize)
}

/// Enrols `bench-00000` … since yesterday; answers the file of their secrets.
pub(crate) async fn enrol(client: &Client, folder: &Path, devices: usize) -> anyhow::Result<PathBuf> {
    client
        .execute(
            "WITH new AS (
                INSERT INTO devices (external_id, kind, realm, enrolled_at)
                SELECT 'bench-' || to_char(n, 'FM00000'), 'device', 'test', now() - interval '1 day' FROM generate_series(1, $1::int) n
                RETURNING key, external_id
            )
            INSERT INTO device_credentials (device_key, kind, digest) SELECT key, 'secret', sha256(convert_to('secret of ' || external_id, 'UTF8')) FROM new",
            &[&(devices as i32)],
        )
        .await?;
    let mut text = String::new();
    for number in 1..=devices {
        writeln!(text, "bench-{number:05} secret of bench-{number:05}")?;
    }
    let file = folder.join("credentials");
    std::fs::write(&file, text)?;
    Ok(file)
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
