//! SIGKILL at full load, again and again. Devices keep what is not acknowledged and send it again.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::{bail, ensure};
use vitals::Timestamp;

use super::{Found, verdict_table};
use crate::ledger;
use crate::load::{Load, Plan, Source, WINDOW};
use crate::machine;
use crate::random::Random;
use crate::site::{Enrolled, Site};

/// How long all devices send at full load before the server is killed, in ms.
const FULL_MS: std::ops::Range<u64> = 300..3_000;

/// Until every device sends again after a start.
const PATIENCE: Duration = Duration::from_secs(180);

struct Kill {
    /// Of the run.
    at_s: f64,
    full_ms: u128,
    acknowledged: u64,
    /// Until `ready`.
    ready_s: f64,
    /// Until the first acknowledgement.
    back_s: f64,
    /// The most memory that the new process had until then, in MB.
    peak_mb: f64,
}

pub(super) async fn run(site: &Site, devices: &[Enrolled], kills: usize, seed: u64) -> anyhow::Result<Found> {
    eprintln!("{kills} times SIGKILL at full load, seed {seed}");
    site.empty().await?;
    let mut server = site.start()?;
    let load = Load::start(Plan {
        broker: server.mqtt,
        devices: devices.to_vec(),
        window: WINDOW,
        source: Source::Fast(None),
        returns: true,
    })?;
    let (begin, mut random, mut done) = (Instant::now(), Random::new(seed), Vec::new());
    let everybody = devices.len();
    // On average each device has had its window acknowledged, twice.
    let all = (2 * WINDOW * everybody) as u64;
    for number in 1..=kills {
        reaches(&load, load.acknowledged() + all, everybody).await?;
        let full = random.ms(&FULL_MS);
        tokio::time::sleep(full).await;
        let (at_s, acknowledged) = (begin.elapsed().as_secs_f64(), load.acknowledged());
        server.kill()?;
        let killed = Instant::now();
        server.restart()?;
        let ready_s = killed.elapsed().as_secs_f64();
        reaches(&load, load.acknowledged() + 1, 0).await?;
        let (full_ms, back_s, peak_mb) =
            (full.as_millis(), killed.elapsed().as_secs_f64(), machine::peak_mb(server.pid()));
        eprintln!("kill {number} after {acknowledged} acknowledgements: ready {ready_s:.1} s later");
        done.push(Kill { at_s, full_ms, acknowledged, ready_s, back_s, peak_mb });
    }
    reaches(&load, load.acknowledged() + all, everybody).await?;
    let cut = load.connections_lost();
    ensure!(cut == (kills * everybody) as u64, "{cut} connections were lost by {kills} kills of {everybody} each");
    let told = load.stop().await?;
    drop(server);

    let (from, until) = (Timestamp::from_micros(0), Timestamp::from_millis(4_102_444_800_000));
    let verdict = ledger::verify(&site.client, devices, &told.books, from, until).await?;
    let wrong = vec![
        (ledger::altered(&site.client).await?, "rows whose values are not those that were sent"),
        (ledger::quarantined(&site.client).await?, "messages in quarantine"),
    ];
    let mut text = format!("## SIGKILL × {kills} at full load\n\nSeed {seed}. ");
    writeln!(
        text,
        "{:.0} frames/s from the first frame to the last acknowledgement, all starts included. The server started again at the \
         same addresses; devices sent again what was not acknowledged.\n",
        told.acknowledged as f64 / told.seconds
    )?;
    verdict_table(&mut text, &verdict, &wrong)?;
    writeln!(
        text,
        "| kill | at s | full load before, ms | acknowledged by then | ready after s | first PUBACK after s | most MB by then |"
    )?;
    writeln!(text, "|---|---|---|---|---|---|---|")?;
    for (number, kill) in done.iter().enumerate() {
        let Kill { at_s, full_ms, acknowledged, ready_s, back_s, peak_mb } = kill;
        writeln!(
            text,
            "| {} | {at_s:.1} | {full_ms} | {acknowledged} | {ready_s:.1} | {back_s:.1} | {peak_mb:.0} |",
            number + 1
        )?;
    }
    writeln!(text)?;
    Ok(Found { verdict, wrong, text })
}

async fn reaches(load: &Load, acknowledged: u64, connected: usize) -> anyhow::Result<()> {
    let begin = Instant::now();
    while load.acknowledged() < acknowledged || load.connected() < connected {
        load.check()?;
        if begin.elapsed() > PATIENCE {
            bail!("devices do not send again {} s after a start", PATIENCE.as_secs());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
