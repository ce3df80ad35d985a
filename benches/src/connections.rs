//! `bench connections`: what ten thousand devices cost that say nothing, and how soon all of them are back.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};

use crate::idle::{Transport, Ward};
use crate::machine::{self, Machine};
use crate::report;
use crate::site::{self, Enrolled, Site};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// At most a minute: a tenth of the devices.
    #[arg(long)]
    quick: bool,
    /// Write the table to this file as well.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[arg(long)]
    devices: Option<usize>,
}

/// What 10,000 devices may cost over plain TCP, in MB beyond the server that has none.
const MOST_MB: f64 = 65.0;
/// Until all 10,000 are back.
const MOST_S: f64 = 60.0;

struct Measured {
    first_s: f64,
    base_mb: f64,
    idle_mb: f64,
    again_s: f64,
    server_cpu: f64,
    after_mb: f64,
}

impl Measured {
    fn beyond_mb(&self) -> f64 {
        self.idle_mb - self.base_mb
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    site::run("bench-connections", async |site| all(arguments, site).await)
}

async fn all(arguments: &Arguments, site: &Site) -> anyhow::Result<()> {
    let devices = site.enrol("idle", arguments.devices.unwrap_or(if arguments.quick { 1_000 } else { 10_000 })).await?;
    let mut measured = Vec::new();
    for transport in [Transport::Plain, Transport::Tls] {
        let one = measure(site, &devices, transport).await?;
        eprintln!(
            "{transport}: {:.1} MB beyond {:.1}, all there in {:.1} s, all back in {:.1} s",
            one.beyond_mb(),
            one.base_mb,
            one.first_s,
            one.again_s
        );
        measured.push(one);
    }
    let [plain, tls] = &measured[..] else { bail!("two transports were measured") };
    let scale = 10_000.0 / devices.len() as f64;
    let (rss, again_s) = (plain.beyond_mb() * scale, plain.again_s * scale);
    let result = format!(
        "RESULT rss_idle_10k_mb={rss:.1} rss_idle_10k_tls_mb={:.1} reconnect_10k_s={again_s:.1}",
        tls.beyond_mb() * scale
    );
    let text = table(devices.len(), plain, tls, &result)?;
    if let Some(file) = &arguments.save {
        report::save(file, &text)?;
    }
    println!("{text}\n{result}");
    ensure!(rss <= MOST_MB, "{rss:.1} MB for 10,000 idle devices, at most {MOST_MB}");
    ensure!(again_s <= MOST_S, "{again_s:.1} s until 10,000 were back, at most {MOST_S}");
    Ok(())
}

fn table(devices: usize, plain: &Measured, tls: &Measured, result: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    writeln!(text, "# bench connections\n\n{}. Devices, server and database on the same machine.", Machine::read())?;
    writeln!(
        text,
        "{devices} enrolled devices, MQTT 3.1.1 with user name and secret, each subscribed to its `down/#`, keep-alive \
         {KEEP_ALIVE_S} s running. Base: a server that knows them all and has no connection.\n"
    )?;
    writeln!(text, "| what | plain TCP | TLS 1.3 |\n|---|---|---|")?;
    let mut line = |name: &str, value: &dyn Fn(&Measured) -> f64| {
        writeln!(text, "| {name} | {:.1} | {:.1} |", value(plain), value(tls))
    };
    line("base, MB resident", &|one| one.base_mb)?;
    line("idle devices beyond it, MB", &Measured::beyond_mb)?;
    line("a device, KB", &|one| one.beyond_mb() * 1_024.0 / devices as f64)?;
    line("first connections, s", &|one| one.first_s)?;
    line("all cut at once, until all are back, s", &|one| one.again_s)?;
    line("CPU s of the server for all of it", &|one| one.server_cpu)?;
    line("resident after all have gone, MB", &|one| one.after_mb)?;
    writeln!(text, "\n`{result}`")?;
    Ok(text)
}

/// Short enough that every device says it is alive while the bench looks.
const KEEP_ALIVE_S: u16 = 20;

/// On a server of its own, so that no transport inherits the memory of another.
async fn measure(site: &Site, devices: &[Enrolled], transport: Transport) -> anyhow::Result<Measured> {
    let server = site.start()?;
    let base_mb = machine::rss_mb(server.pid());
    let mut ward = Ward::new(&server, &site.folder, transport, KEEP_ALIVE_S)?;
    let begin = Instant::now();
    ward.connect(devices).await?;
    let first_s = begin.elapsed().as_secs_f64();
    // Every device pings within a keep-alive; what a handshake needed is given back by then.
    ward.idle(Duration::from_secs(u64::from(KEEP_ALIVE_S) + 5)).await?;
    let idle_mb = machine::rss_mb(server.pid());
    let begin = Instant::now();
    ward.cut();
    ward.connect(devices).await?;
    let again_s = begin.elapsed().as_secs_f64();
    let server_cpu = machine::cpu_seconds(server.pid());
    ward.cut();
    // Long enough that the server has seen every one of them go.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let after_mb = machine::rss_mb(server.pid());
    Ok(Measured { first_s, base_mb, idle_mb, again_s, server_cpu, after_mb })
}
