//! `bench connections`: what ten thousand devices cost that say nothing, and how soon all of them are back.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio_postgres::NoTls;

use crate::machine::{self, Machine};
use crate::server::Server;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// At most a minute: a tenth of the devices, over plain TCP and TLS.
    #[arg(long)]
    quick: bool,
    /// Write the table to this file as well.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[arg(long)]
    devices: Option<usize>,
}

/// What issue and README promise: MiB beyond the base for 10,000 devices over plain TCP, and seconds until all are back.
const MOST_MIB: f64 = 65.0;
const MOST_SECONDS: f64 = 60.0;

struct Measured {
    transport: &'static str,
    first_s: f64,
    /// Resident, before the first connection and once every device has been through its keep-alive.
    base_mib: f64,
    idle_mib: f64,
    again_s: f64,
    server_cpu: f64,
    after_mib: f64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let folder = std::env::current_exe()?.with_file_name("bench-connections");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).context("remove the last bench's state")?;
    }
    std::fs::create_dir_all(&folder)?;
    let options =
        localdb::Options { state_dir: folder.join("localdb"), cache_dir: None, purpose: localdb::Purpose::Serve };
    let cluster = localdb::start(&options, &|step| eprintln!("{step}"))?;
    let outcome = runtime.block_on(all(arguments, &folder, &cluster.url()));
    localdb::remove(&options)?;
    outcome
}

async fn all(arguments: &Arguments, folder: &Path, url: &str) -> anyhow::Result<()> {
    let devices = arguments.devices.unwrap_or(if arguments.quick { 1_000 } else { 10_000 });
    store::migrate::run(url).await?;
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let credentials = crate::ingest::enrol(&client, folder, devices).await?;
    let mut measured = Vec::new();
    for transport in ["plain TCP", "TLS 1.3"] {
        // A server of its own for each, so that neither inherits the other's memory.
        let server = Server::start(folder, url)?;
        let one = measure(&server, folder, &credentials, devices, transport)?;
        eprintln!(
            "{transport}: {:.1} MiB beyond {:.1}, all there in {:.1} s, all back in {:.1} s",
            one.idle_mib - one.base_mib,
            one.base_mib,
            one.first_s,
            one.again_s
        );
        measured.push(one);
    }
    let [plain, tls] = &measured[..] else { unreachable!("two transports were measured") };
    let scale = 10_000.0 / devices as f64;
    let (rss, rss_tls) = ((plain.idle_mib - plain.base_mib) * scale, (tls.idle_mib - tls.base_mib) * scale);
    let result = format!(
        "RESULT rss_idle_10k_mb={rss:.1} rss_idle_10k_tls_mb={rss_tls:.1} reconnect_10k_s={:.1}",
        plain.again_s * scale
    );
    let report = report(devices, &measured, &result)?;
    if let Some(file) = &arguments.save {
        let notes = std::fs::read_to_string(file).ok().and_then(|old| Some(old[old.find(NOTES)?..].to_owned()));
        std::fs::write(file, format!("{report}\n{}", notes.unwrap_or_default()))?;
    }
    println!("{report}\n{result}");
    ensure!(rss <= MOST_MIB, "{rss:.1} MiB for 10,000 idle devices, at most {MOST_MIB}");
    ensure!(plain.again_s * scale <= MOST_SECONDS, "{:.1} s until all were back, at most {MOST_SECONDS}", plain.again_s);
    Ok(())
}

/// The heading from which on a results file is written by hand.
const NOTES: &str = "## What it is made of";

fn report(devices: usize, measured: &[Measured], result: &str) -> anyhow::Result<String> {
    let mut report = String::new();
    writeln!(report, "# bench connections\n\n{}. Clients, server and database on the same machine.", Machine::read())?;
    writeln!(
        report,
        "{devices} enrolled devices, MQTT 3.1.1 with user name and secret, each subscribed to its `down/#` at QoS 1, \
         keep-alive {KEEP_ALIVE_S} s running. Base: the server that knows them all and has no connection.\n"
    )?;
    let heads: Vec<_> = measured.iter().map(|one| one.transport).collect();
    writeln!(report, "| what | {} |\n|---|{}", heads.join(" | "), "---|".repeat(heads.len()))?;
    let mut line = |name: &str, value: &dyn Fn(&Measured) -> f64| {
        let values: Vec<_> = measured.iter().map(|one| format!("{:.1}", value(one))).collect();
        writeln!(report, "| {name} | {} |", values.join(" | "))
    };
    line("base, MiB resident", &|one| one.base_mib)?;
    line("idle devices beyond it, MiB", &|one| one.idle_mib - one.base_mib)?;
    line("a device, KiB", &|one| (one.idle_mib - one.base_mib) * 1024.0 / devices as f64)?;
    line("first connections, s", &|one| one.first_s)?;
    line("all cut, until all are back, s", &|one| one.again_s)?;
    line("server's CPU s for both", &|one| one.server_cpu)?;
    line("resident after all have gone, MiB", &|one| one.after_mib)?;
    writeln!(report, "\n`{result}`")?;
    Ok(report)
}

/// Short enough that every device says it is alive while the bench looks.
const KEEP_ALIVE_S: u16 = 20;

fn measure(
    server: &Server,
    folder: &Path,
    credentials: &Path,
    devices: usize,
    transport: &'static str,
) -> anyhow::Result<Measured> {
    let cpu_before = machine::cpu_seconds(server.pid());
    let base_mib = machine::resident_mib(server.pid())?;
    let tls = transport.starts_with("TLS");
    let mut ward = Ward::start(server, tls.then(|| folder.join("tls/server-ca.pem")).as_deref(), credentials, devices)?;
    let first_s = ward.answer()?;
    // Every device pings within a keep-alive; what a handshake needed is given back by then.
    std::thread::sleep(Duration::from_secs(u64::from(KEEP_ALIVE_S) + 5));
    let idle_mib = machine::resident_mib(server.pid())?;
    ward.say("again")?;
    let again_s = ward.answer()?;
    let server_cpu = machine::cpu_seconds(server.pid()) - cpu_before;
    ward.say("end")?;
    ensure!(ward.child.wait()?.success(), "the devices failed");
    std::thread::sleep(Duration::from_secs(2));
    let after_mib = machine::resident_mib(server.pid())?;
    Ok(Measured { transport, first_s, base_mib, idle_mib, again_s, server_cpu, after_mib })
}

/// The devices, in a process of their own.
struct Ward {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
    input: ChildStdin,
}

impl Ward {
    fn start(server: &Server, ca: Option<&Path>, credentials: &Path, devices: usize) -> anyhow::Result<Self> {
        let broker = if ca.is_some() { server.mqtts } else { server.mqtt };
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["idle", "--broker", &broker.to_string(), "--connections", &devices.to_string()])
            .args(["--keep-alive-s", &KEEP_ALIVE_S.to_string(), "--credentials"])
            .arg(credentials);
        if let Some(ca) = ca {
            command.arg("--ca").arg(ca);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().context("its output")?).lines();
        let input = child.stdin.take().context("its input")?;
        Ok(Self { child, lines, input })
    }

    fn say(&mut self, word: &str) -> anyhow::Result<()> {
        Ok(writeln!(self.input, "{word}")?)
    }

    /// Seconds until all were there.
    fn answer(&mut self) -> anyhow::Result<f64> {
        Ok(self.lines.next().context("the devices ended")??.parse()?)
    }
}
