//! Half of the maximum load for an hour: nothing is lost, and memory stays flat.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use vitals::{Clock, Timestamp};

use super::beside::Beside;
use super::{Found, verdict_table};
use crate::ledger::{self, Verdict};
use crate::load::{Load, Plan, Source, WINDOW};
use crate::machine;
use crate::maximum;
use crate::probes::{Habit, Probes, Seen};
use crate::report::median;
use crate::server::Server;
use crate::site::{Enrolled, Site};

/// Of the maximum load.
const SHARE: f64 = 0.5;

/// Alarms now and then, each of its own: never so far apart that a probe counts as silent (10 s).
const HABIT: Habit = Habit { crossed_ms: 500..2_000, calm_ms: 2_000..7_000, number_ms: 1_000..3_000 };
const PROBES: usize = 10;

/// Devices that come and go.
const COMERS: usize = 5;

/// Rows that are verified, rolled up and older than this are dropped: an hour of them is more than a disk wants to hold.
const KEEP_MS: i64 = 180_000;

/// Rows older than this are dropped even where the roll-up is so far behind.
const KEEP_MOST_MS: i64 = 600_000;

/// Chunks of this length, so that they can be dropped: the server makes them a day long.
const CHUNK: &str = "1 minute";

/// Between two looks at memory, and between two verifications; a short soak looks more often.
const SAMPLE: Duration = Duration::from_secs(10);
const SLICE: Duration = Duration::from_secs(60);

struct Sample {
    at: Duration,
    server_mb: f64,
    database_mb: f64,
}

/// A line of the table.
struct Line {
    minutes: f64,
    frames_per_s: f64,
    p50_ms: f64,
    p99_ms: f64,
    server_mb: f64,
    database_mb: f64,
    verified: u64,
    alarms: u64,
}

/// The load, and what is known of it.
struct Soak<'a> {
    site: &'a Site,
    server: Server,
    devices: &'a [Enrolled],
    load: Load,
    probes: Probes,
    beside: Beside,
    begin: Instant,
    samples: Vec<Sample>,
    lines: Vec<Line>,
    verdict: Verdict,
    /// Everything before is verified.
    verified: Timestamp,
    /// The furthest that the roll-up was behind.
    behind_ms: i64,
}

/// Answers what the server's memory grew by, in MB, too.
pub(super) async fn run(site: &Site, devices: &[Enrolled], minutes: f64, quick: bool) -> anyhow::Result<(Found, f64)> {
    let time = Duration::from_secs_f64(minutes * 60.0);
    site.empty().await?;
    site.client.execute(&format!("SELECT set_chunk_time_interval('vitals', INTERVAL '{CHUNK}')"), &[]).await?;
    let (alarms, numbers) = (site.enrol("probe", PROBES).await?, site.enrol("number", PROBES).await?);
    let comers = site.enrol("comer", COMERS).await?;
    let server = site.start()?;
    let maximum = maximum::measure(site, &server, devices, Duration::from_secs(if quick { 2 } else { 10 })).await?;
    let wanted = maximum.frames_per_s * SHARE;
    eprintln!("soak of {minutes:.1} minutes at {wanted:.0} frames/s, half of {:.0}", maximum.frames_per_s);
    let plan = Plan {
        broker: server.mqtt,
        devices: devices.to_vec(),
        window: WINDOW,
        source: Source::Paced(wanted),
        returns: false,
    };
    let load = Load::start(plan)?;
    let probes = Probes::start(&server, &alarms, &numbers, &HABIT).await?;
    let beside = Beside::start(&server, devices, &comers);
    let mut soak = Soak {
        site,
        server,
        devices,
        load,
        probes,
        beside,
        begin: Instant::now(),
        samples: Vec::new(),
        lines: Vec::new(),
        verdict: Verdict::default(),
        verified: Timestamp::from_micros(0),
        behind_ms: 0,
    };
    soak.until(time).await?;
    soak.finish(&maximum, wanted).await
}

impl Soak<'_> {
    async fn until(&mut self, time: Duration) -> anyhow::Result<()> {
        let (sample, slice, line) = (SAMPLE.min(time / 20), SLICE.min(time / 3), time / 12);
        let (mut sampled, mut sliced, mut lined) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        let mut before = (Instant::now(), self.load.acknowledged());
        while self.begin.elapsed() < time {
            tokio::time::sleep(sample.min(Duration::from_millis(250))).await;
            self.load.check()?;
            self.probes.check()?;
            self.beside.check()?;
            let now = self.begin.elapsed();
            if now >= sampled + sample {
                sampled += sample;
                self.sample();
            }
            if now >= sliced + slice {
                sliced += slice;
                self.slice().await?;
                eprintln!("{}", self.progress());
            }
            if now >= lined + line {
                lined += line;
                let frames = self.load.acknowledged();
                let frames_per_s = (frames - before.1) as f64 / before.0.elapsed().as_secs_f64();
                before = (Instant::now(), frames);
                self.line(frames_per_s);
            }
        }
        Ok(())
    }

    fn sample(&mut self) {
        self.samples.push(Sample {
            at: self.begin.elapsed(),
            server_mb: machine::rss_mb(self.server.pid()),
            database_mb: machine::private_mb(self.site.postmaster),
        });
    }

    fn line(&mut self, frames_per_s: f64) {
        let latencies = self.load.take_latencies();
        let Some(sample) = self.samples.last() else { return };
        self.lines.push(Line {
            minutes: self.begin.elapsed().as_secs_f64() / 60.0,
            frames_per_s,
            p50_ms: latencies.ms(0.5),
            p99_ms: latencies.ms(0.99),
            server_mb: sample.server_mb,
            database_mb: sample.database_mb,
            verified: self.verdict.rows,
            alarms: self.probes.came(),
        });
    }

    fn progress(&self) -> String {
        let [screens, messages, visits] = self.beside.counts();
        format!(
            "{:.1} min: {} acknowledged, {} verified, {} lost, {} doubled; server {:.0} MB; {} alarm steps; {screens} screens \
             opened took {messages} messages; {visits} devices came and went",
            self.begin.elapsed().as_secs_f64() / 60.0,
            self.load.acknowledged(),
            self.verdict.acknowledged,
            self.verdict.lost,
            self.verdict.doubled,
            self.samples.last().map_or(f64::NAN, |sample| sample.server_mb),
            self.probes.came(),
        )
    }

    /// Verifies what is settled since the last time, then drops what is verified and rolled up.
    async fn slice(&mut self) -> anyhow::Result<()> {
        let Some((until, books)) = self.load.take_settled() else { return Ok(()) };
        let client = &self.site.client;
        self.verdict += ledger::verify(client, self.devices, &books, self.verified, until).await?;
        self.verified = until;
        // The oldest minute that the roll-up has not come to.
        let marked = "SELECT (extract(epoch FROM min(minute)) * 1000)::int8 FROM vitals_dirty";
        let marked: Option<i64> = client.query_one(marked, &[]).await?.get(0);
        let now = Clock::system().now();
        let rolled_up = marked.map_or(now, Timestamp::from_millis);
        self.behind_ms = self.behind_ms.max(now.millis_since(rolled_up));
        let cut = until.min(now.plus_millis(-KEEP_MS)).min(rolled_up.max(now.plus_millis(-KEEP_MOST_MS)));
        client.query(&format!("SELECT drop_chunks('vitals', older_than => '{cut}'::timestamptz)"), &[]).await?;
        Ok(())
    }

    /// Median of the last tenth of the time minus median of the tenth from 5 % to 15 %.
    fn growth(&self) -> f64 {
        let end = self.samples.last().map_or(Duration::ZERO, |sample| sample.at);
        let within = |from: f64, until: f64| {
            let between = end.mul_f64(from)..=end.mul_f64(until);
            median(self.samples.iter().filter(|sample| between.contains(&sample.at)).map(|s| s.server_mb).collect())
        };
        within(0.9, 1.0) - within(0.05, 0.15)
    }

    async fn finish(mut self, maximum: &maximum::Maximum, wanted: f64) -> anyhow::Result<(Found, f64)> {
        let growth = self.growth();
        let counts = self.beside.counts();
        let seconds = self.begin.elapsed().as_secs_f64();
        drop(self.beside);
        let seen = self.probes.finish().await?;
        let told = self.load.stop().await?;
        let far = Timestamp::from_millis(4_102_444_800_000);
        self.verdict += ledger::verify(&self.site.client, self.devices, &told.books, self.verified, far).await?;
        let wrong = vec![
            (ledger::altered(&self.site.client).await?, "of the rows not dropped yet: values not those that were sent"),
            (ledger::quarantined(&self.site.client).await?, "messages in quarantine"),
            (seen.lost, "alarms that did not come"),
            (seen.doubled + seen.gaps, "alarms that came twice, places missing"),
            (seen.numbers_lost, "numbers that did not come"),
        ];
        let mut text = String::new();
        writeln!(text, "## {:.1} minutes at half load\n", seconds / 60.0)?;
        writeln!(
            text,
            "Maximum {:.0} frames/s, wanted {wanted:.0}, reached {:.0}. {}",
            maximum.frames_per_s,
            told.acknowledged as f64 / told.seconds,
            words(&seen, counts)
        )?;
        writeln!(
            text,
            "An hour of rows would fill the disk: chunks are {CHUNK} long here instead of a day, so the index of the open one is \
             smaller than it would be, and each is dropped once its rows are verified against the acknowledgements, rolled up and \
             {} s old, at the latest after {} s. The roll-up was behind by {} s at most.\n",
            KEEP_MS / 1_000,
            KEEP_MOST_MS / 1_000,
            self.behind_ms / 1_000
        )?;
        verdict_table(&mut text, &self.verdict, &wrong)?;
        writeln!(text, "Server memory grew by {growth:.1} MB (last tenth against the tenth from 5 % to 15 %).\n")?;
        writeln!(
            text,
            "| min | frames/s | PUBACK p50 ms | p99 ms | server MB | database MB | rows verified | alarm steps |"
        )?;
        writeln!(text, "|---|---|---|---|---|---|---|---|")?;
        for line in &self.lines {
            let Line { minutes, frames_per_s, p50_ms, p99_ms, server_mb, database_mb, verified, alarms } = line;
            writeln!(
                text,
                "| {minutes:.2} | {frames_per_s:.0} | {p50_ms:.1} | {p99_ms:.1} | {server_mb:.1} | {database_mb:.1} | {verified} | {alarms} |"
            )?;
        }
        writeln!(text)?;
        Ok((Found { verdict: self.verdict, wrong, text }, growth))
    }
}

fn words(seen: &Seen, [screens, messages, visits]: [u64; 3]) -> String {
    format!(
        "Beside it: {} beginnings and ends of alarms of {PROBES} devices (p99 {:.1} ms to the screen), {PROBES} whose numbers \
         tell themselves apart (p99 {:.1} ms), {screens} screens that came and resumed and took {messages} messages, \
         {visits} visits of {COMERS} devices that come and go.",
        seen.expected,
        seen.raised().ms(0.99),
        seen.numbers().ms(0.99),
    )
}
