//! Browsers that read patients over connections that stay open, each as fast as it is answered.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use futures_util::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use vitals::Timestamp;

use super::seed::{Guest, HOUR_MS, House, MONITORED, NURSES};
use crate::load::Latencies;
use crate::machine::{self, Thread};

/// Before anything is counted: what is behind the answers, such as sealing, runs at its pace by then.
const WARM: Duration = Duration::from_secs(1);

/// What one of them reads, over and over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Habit {
    /// A page about a patient: who it is, and the trend as it opens. Each time another one.
    Page,
    /// The same, of the ten patients that the nurse looks after.
    Rounds,
    /// The trend of a day.
    Day,
    /// The last hour in minutes.
    Hour,
    /// Who a patient is, and nothing else.
    Banner,
}

/// Patients of one nurse in [`Habit::Rounds`].
const OWN: usize = 10;

pub(super) struct Told {
    pub(super) requests: u64,
    pub(super) seconds: f64,
    pub(super) latencies: Latencies,
    /// Processors kept busy by the portal, by the database and by the browsers.
    pub(super) busy: [f64; 3],
}

/// What every nurse has read so far of one side, so that she goes on where she was: what she reads again within a minute is no
/// event of its own (decision 0016).
pub(super) struct Turns(Vec<AtomicUsize>);

impl Turns {
    pub(super) fn new() -> Self {
        Self((0..NURSES).map(|_| AtomicUsize::new(0)).collect())
    }
}

/// Reads for `time`, as every nurse at once. `portal`: where, and the process; `postmaster`: that of its database.
pub(super) async fn read(
    (portal, process, postmaster): (SocketAddr, u32, u32),
    house: &House,
    (guests, turns): (&[Guest], &Turns),
    habit: Habit,
    time: Duration,
) -> anyhow::Result<Told> {
    let (counting, stop) = (AtomicBool::new(false), AtomicBool::new(false));
    let connected = house.cookies.iter().map(|cookie| Browser::connect(portal, cookie));
    let browsers = try_join_all(connected).await?;
    let thread = Thread::current()?;
    let used = || [machine::cpu_seconds(process), machine::cpu_seconds(postmaster), thread.cpu_seconds()];
    let reading = try_join_all(browsers.into_iter().enumerate().map(|(nurse, mut browser)| {
        let (counting, stop) = (&counting, &stop);
        async move {
            let mut latencies = Histogram::<u64>::new(3)?;
            while !stop.load(Ordering::Relaxed) {
                let turn = turns.0[nurse].fetch_add(1, Ordering::Relaxed);
                let paths = habit.paths(habit.guest(guests, nurse, turn), house.end, turn);
                for path in paths {
                    let asked = Instant::now();
                    browser.get(&path).await?;
                    if counting.load(Ordering::Relaxed) {
                        latencies.record(u64::try_from(asked.elapsed().as_micros())?)?;
                    }
                }
            }
            Ok::<_, anyhow::Error>(latencies)
        }
    }));
    let ended = async {
        tokio::time::sleep(WARM).await;
        counting.store(true, Ordering::Relaxed);
        let (begin, before) = (Instant::now(), used());
        tokio::time::sleep(time).await;
        stop.store(true, Ordering::Relaxed);
        let (seconds, after) = (begin.elapsed().as_secs_f64(), used());
        let busy = std::array::from_fn(|index| (after[index] - before[index]) / seconds);
        Ok((seconds, busy))
    };
    let (all, (seconds, busy)) = tokio::try_join!(reading, ended)?;
    let mut latencies = Histogram::new(3)?;
    for each in all {
        latencies.add(each)?;
    }
    Ok(Told { requests: latencies.len(), seconds, latencies: Latencies(latencies), busy })
}

impl Habit {
    /// The first one is what is judged.
    pub(super) const ALL: [Self; 5] = [Self::Page, Self::Rounds, Self::Day, Self::Hour, Self::Banner];

    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Rounds => "rounds",
            Self::Day => "day",
            Self::Hour => "hour",
            Self::Banner => "banner",
        }
    }

    /// What a results page says of it.
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Page => {
                "a page about a patient: who it is, and the trend as it opens, an hour in steps of 5 s; each time another one"
            }
            Self::Rounds => "the same of the ten patients of each nurse, over and over",
            Self::Day => "the trend of a day in minutes, each time another patient",
            Self::Hour => "an hour in minutes, the cheapest chart; each time another patient",
            Self::Banner => "who a patient is and nothing else, the cheapest read; each time another one",
        }
    }

    /// Each time of other milliseconds, as a page asks for what ends now; of the same steps (portal/web/src/trend/ranges.ts) all
    /// the same.
    pub(super) fn paths(self, guest: &Guest, end: Timestamp, turn: usize) -> Vec<String> {
        let banner = || format!("/api/patients/{}", guest.patient);
        let trend = |hours: i64, step: u32| {
            let from = Timestamp::from_millis(end.millis() - hours * HOUR_MS + turn as i64 % 1_000);
            format!("/api/vitals?device={}&from={from}&to={end}&step={step}", guest.device)
        };
        match self {
            Self::Page | Self::Rounds => vec![banner(), trend(1, 5)],
            Self::Day => vec![trend(24, 60)],
            Self::Hour => vec![trend(1, 60)],
            Self::Banner => vec![banner()],
        }
    }

    fn guest(self, guests: &[Guest], nurse: usize, turn: usize) -> &Guest {
        let guests = match self {
            Self::Page | Self::Rounds | Self::Day => &guests[..MONITORED],
            Self::Hour | Self::Banner => guests,
        };
        // Nobody follows right behind anybody.
        let apart = guests.len() / NURSES;
        match self {
            Self::Rounds => &guests[(nurse * apart + turn % OWN) % guests.len()],
            Self::Page | Self::Day | Self::Hour | Self::Banner => &guests[(nurse * apart + turn) % guests.len()],
        }
    }
}

pub(super) struct Browser {
    socket: TcpStream,
    /// What goes with every request.
    headers: String,
    /// Head and body of the last one.
    answer: Vec<u8>,
}

impl Browser {
    pub(super) async fn connect(portal: SocketAddr, cookie: &str) -> anyhow::Result<Self> {
        let socket = TcpStream::connect(portal).await?;
        socket.set_nodelay(true)?;
        let headers = format!("Host: {portal}\r\nCookie: {cookie}\r\nAccept: application/json\r\n\r\n");
        Ok(Self { socket, headers, answer: Vec::new() })
    }

    /// Reads all of an answer, which must be 200 and an object.
    pub(super) async fn get(&mut self, path: &str) -> anyhow::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\n{}", self.headers);
        self.socket.write_all(request.as_bytes()).await?;
        self.answer.clear();
        let mut whole = None;
        while whole.is_none_or(|whole| self.answer.len() < whole) {
            ensure!(self.socket.read_buf(&mut self.answer).await? > 0, "the portal closed the connection");
            if whole.is_none() {
                whole = length(&self.answer)?;
            }
        }
        let text = String::from_utf8_lossy(&self.answer);
        ensure!(text.starts_with("HTTP/1.1 200 ") && text.ends_with('}'), "{path} was answered {text}");
        Ok(())
    }

    /// What the last one says.
    pub(super) fn object(&self) -> anyhow::Result<serde_json::Value> {
        let head = self.answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("a body")?;
        Ok(serde_json::from_slice(&self.answer[head + 4..])?)
    }
}

/// Bytes of the answer, its head included, once the head is there.
fn length(answer: &[u8]) -> anyhow::Result<Option<usize>> {
    let Some(head) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { return Ok(None) };
    let text = str::from_utf8(&answer[..head])?.to_ascii_lowercase();
    let length =
        text.lines().find_map(|line| line.strip_prefix("content-length: ")).context("an answer of no length")?;
    Ok(Some(head + 4 + length.trim().parse::<usize>()?))
}
