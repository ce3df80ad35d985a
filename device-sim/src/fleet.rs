use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, interval_at};
use tokio_util::sync::CancellationToken;
use vitals::{Clock, DeviceName, Stream};

use crate::args::Args;
use crate::device::{Device, Progress, status, topic};
use crate::link::Dial;
use crate::outbox::Outbox;
use crate::physiology::Patient;
use crate::random::Random;
use crate::report::Report;

/// Between the first connections of two devices: a ward is not switched on with one switch.
const STAGGER: Duration = Duration::from_millis(1);

/// Runs until told to stop. Failure: frames stayed unacknowledged.
pub(crate) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let tls = tls(&args).context("prepare TLS")?;
    let identities = identities(&args)?;
    if let Some(act) = args.scenario.iter().find(|act| act.device.is_some_and(|device| device >= identities.len())) {
        bail!("{act:?} names a device beyond the last of {}", identities.len());
    }
    let report = Arc::new(Report::new());
    let stop = CancellationToken::new();
    let start = Instant::now();
    let mut devices = JoinSet::new();
    for (index, (name, secret)) in identities.into_iter().enumerate() {
        let dial = Dial {
            broker: args.broker.clone(),
            tls: tls.clone(),
            five: args.protocol.is_five(index),
            will: (topic(name.as_str(), Stream::Status), status(false, 0)),
            client_id: name.into(),
            secret,
            window: args.window,
        };
        let device = device(&args, index, dial, &report, &stop, start);
        let switched_on_at = start + STAGGER * u32::try_from(index).unwrap_or(u32::MAX);
        devices.spawn(async move {
            tokio::time::sleep_until(switched_on_at).await;
            device.run().await;
        });
    }
    until_stopped(&args, &report, start).await?;
    stop.cancel();
    while let Some(ended) = devices.join_next().await {
        ended.context("run a device")?;
    }
    say(&report.line());
    say(&report.result());
    Ok(if report.held.load(Relaxed) == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn until_stopped(args: &Args, report: &Report, start: Instant) -> anyhow::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for SIGINT")?;
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let mut lines = interval(Duration::from_secs(args.report_every));
    lines.tick().await;
    // A year stands for "until interrupted".
    let seconds = args.seconds.unwrap_or(31_536_000.0);
    let end = start + Duration::try_from_secs_f64(seconds).context("read --seconds")?;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(end) => return Ok(()),
            _ = interrupt.recv() => return Ok(()),
            _ = terminate.recv() => return Ok(()),
            _ = lines.tick() => say(&report.line()),
        }
    }
}

fn device(
    args: &Args,
    index: usize,
    dial: Dial,
    report: &Arc<Report>,
    stop: &CancellationToken,
    start: Instant,
) -> Device {
    // Devices are not in step with each other, and the same seed spreads them the same.
    let mut chance = Random::new(args.seed, !(index as u64));
    let phase = chance.unit();
    let mut ticks = interval_at(start + args.period().mul_f32(phase), args.period());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    Device {
        dial,
        qos: args.qos,
        period_s: args.period().as_secs_f64(),
        speed: args.speed,
        batch: usize::from(args.batch),
        patience: Duration::from_secs(args.patience),
        acts: args.scenario.iter().filter(|act| act.device.is_none_or(|device| device == index)).copied().collect(),
        chance,
        patient: Patient::new(args.seed, index),
        outbox: Outbox::new(args.keep),
        report: report.clone(),
        clock: Clock::system(),
        ticks,
        stop: stop.clone(),
        state: Progress::default(),
    }
}

/// Who each device is, and the secret it signs in with.
fn identities(args: &Args) -> anyhow::Result<Vec<(DeviceName, Option<String>)>> {
    let Some(path) = &args.credentials else {
        return (1..=args.devices.unwrap_or(1))
            .map(|number| Ok((DeviceName::try_from(format!("sim-{number:04}"))?, None)))
            .collect();
    };
    let mut identities = credentials(path).with_context(|| format!("read {}", path.display()))?;
    if let Some(devices) = args.devices {
        ensure!(devices <= identities.len(), "{devices} devices, but {} credentials", identities.len());
        identities.truncate(devices);
    }
    ensure!(!identities.is_empty(), "no credentials in {}", path.display());
    Ok(identities)
}

fn credentials(path: &Path) -> anyhow::Result<Vec<(DeviceName, Option<String>)>> {
    let text = std::fs::read_to_string(path)?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(number, line)| {
            let mut words = line.split_whitespace();
            let (Some(name), Some(secret), None) = (words.next(), words.next(), words.next()) else {
                bail!("line {} is no device and secret", number + 1);
            };
            Ok((name.parse().with_context(|| format!("line {}", number + 1))?, Some(secret.to_owned())))
        })
        .collect()
}

fn tls(args: &Args) -> anyhow::Result<Option<Arc<rustls::ClientConfig>>> {
    if !args.broker.tls {
        return Ok(None);
    }
    let path = args.ca.as_ref().context("mqtts:// needs --ca")?;
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).with_context(|| format!("read {}", path.display()))? {
        roots.add(certificate.context("read a certificate")?).context("trust a certificate")?;
    }
    ensure!(!roots.is_empty(), "no certificate in {}", path.display());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("choose TLS versions")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(Arc::new(config)))
}

#[expect(clippy::print_stdout, reason = "the report is what this program is run for")]
fn say(line: &str) {
    println!("{line}");
}
