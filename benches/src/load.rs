//! A thread of devices that send as fast as their window lets them, or at a pace, and keep what is not acknowledged.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::bail;
use hdrhistogram::Histogram;
use tokio::sync::watch;
use vitals::{Clock, Timestamp};

use crate::machine::Thread;
use crate::sender::Sender;
use crate::site::Enrolled;

/// Frames a device has unacknowledged at most, in every bench.
pub(crate) const WINDOW: usize = 8;

/// What is not acknowledged this long after the end was asked for never will be.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Plan {
    pub(crate) broker: SocketAddr,
    pub(crate) devices: Vec<Enrolled>,
    /// Frames a device has unacknowledged at most.
    pub(crate) window: usize,
    pub(crate) source: Source,
    /// A device that loses its connection comes back, and sends again what was not acknowledged.
    pub(crate) returns: bool,
}

#[derive(Clone)]
pub(crate) enum Source {
    /// As fast as the window lets a device, each frame measured when it is sent; so many of each, or without end.
    Fast(Option<usize>),
    /// So many frames a second of all devices together.
    Paced(f64),
    /// The very frames that were measured at these times, in the order of devices, as fast as the window lets them.
    Again(Arc<Vec<Vec<Timestamp>>>),
}

/// What the load and the bench both look at.
pub(crate) struct Shared {
    stop: AtomicBool,
    acknowledged: AtomicU64,
    /// Devices that are connected.
    pub(crate) connected: AtomicUsize,
    /// Connections that were lost.
    pub(crate) lost: AtomicU64,
    latencies: Mutex<Histogram<u64>>,
    /// When each acknowledged frame was measured, a device, in its order.
    books: Vec<Mutex<Vec<Timestamp>>>,
}

/// How long something took each time.
pub(crate) struct Latencies(pub(crate) Histogram<u64>);

pub(crate) struct Load {
    shared: Arc<Shared>,
    go: watch::Sender<bool>,
    thread: JoinHandle<anyhow::Result<Told>>,
    id: Thread,
}

/// From the first frame sent to the last acknowledgement.
pub(crate) struct Told {
    pub(crate) acknowledged: u64,
    pub(crate) seconds: f64,
    pub(crate) cpu_seconds: f64,
    pub(crate) latencies: Latencies,
    /// When each acknowledged frame was measured, a device.
    pub(crate) books: Vec<Vec<Timestamp>>,
}

impl Load {
    /// Connects every device and waits for the word to go.
    pub(crate) fn ready(plan: Plan) -> anyhow::Result<Self> {
        let shared = Arc::new(Shared::new(plan.devices.len())?);
        let (go, going) = watch::channel(false);
        let (connected, connecting) = mpsc::channel();
        let thread = std::thread::Builder::new().name("load".to_owned()).spawn({
            let shared = shared.clone();
            // One thread: the load must leave the processors to what is measured.
            move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                let outcome = tokio::task::LocalSet::new().block_on(&runtime, all(plan, shared, connected, going));
                // Whoever waits for something else would hear of it late.
                outcome.inspect_err(|error| eprintln!("the load failed: {error:#}"))
            }
        })?;
        match connecting.recv() {
            Ok(id) => Ok(Self { shared, go, thread, id }),
            Err(_) => match thread.join() {
                Ok(Err(error)) => Err(error),
                _ => bail!("the load ended before it began"),
            },
        }
    }

    pub(crate) fn start(plan: Plan) -> anyhow::Result<Self> {
        let load = Self::ready(plan)?;
        load.go();
        Ok(load)
    }

    pub(crate) fn go(&self) {
        self.go.send_replace(true);
    }

    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    pub(crate) fn connected(&self) -> usize {
        self.shared.connected.load(Ordering::Relaxed)
    }

    pub(crate) fn connections_lost(&self) -> u64 {
        self.shared.lost.load(Ordering::Relaxed)
    }

    pub(crate) fn cpu_seconds(&self) -> f64 {
        self.id.cpu_seconds()
    }

    /// An error once it has ended before it was told to.
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        if self.thread.is_finished() {
            bail!("the load has ended");
        }
        Ok(())
    }

    pub(crate) fn take_latencies(&self) -> Latencies {
        let mut latencies = lock(&self.shared.latencies);
        let taken = latencies.clone();
        latencies.reset();
        Latencies(taken)
    }

    /// Takes out what is acknowledged of frames measured before a moment, a device. The moment is the latest for which
    /// everything is; none while a device has nothing acknowledged.
    pub(crate) fn take_settled(&self) -> Option<(Timestamp, Vec<Vec<Timestamp>>)> {
        let newest = self.shared.books.iter().map(|book| lock(book).last().copied());
        let until = newest.min().flatten()?;
        let taken = self.shared.books.iter().map(|book| {
            let mut book = lock(book);
            let settled = book.partition_point(|at| *at < until);
            let later = book.split_off(settled);
            std::mem::replace(&mut *book, later)
        });
        Some((until, taken.collect()))
    }

    /// Waits for the end of a load that has one.
    pub(crate) async fn ended(self) -> anyhow::Result<Told> {
        let thread = self.thread;
        match tokio::task::spawn_blocking(move || thread.join()).await? {
            Ok(told) => told,
            Err(_) => bail!("the load panicked"),
        }
    }

    /// Measures no more, and waits for what is not acknowledged.
    pub(crate) async fn stop(self) -> anyhow::Result<Told> {
        self.shared.stop.store(true, Ordering::Relaxed);
        self.ended().await
    }
}

impl Latencies {
    pub(crate) fn ms(&self, quantile: f64) -> f64 {
        ms(self.0.value_at_quantile(quantile))
    }

    pub(crate) fn count(&self) -> u64 {
        self.0.len()
    }

    pub(crate) fn max_ms(&self) -> f64 {
        ms(self.0.max())
    }
}

fn ms(micros: u64) -> f64 {
    micros as f64 / 1_000.0
}

/// A device that failed has said so; what it shares is still true.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn new(devices: usize) -> anyhow::Result<Self> {
        Ok(Self {
            stop: AtomicBool::new(false),
            acknowledged: AtomicU64::new(0),
            connected: AtomicUsize::new(0),
            lost: AtomicU64::new(0),
            // Microseconds, to ten minutes.
            latencies: Mutex::new(Histogram::new_with_bounds(1, 600_000_000, 3)?),
            books: (0..devices).map(|_| Mutex::default()).collect(),
        })
    }

    pub(crate) fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Frames of a device, measured and sent at these moments, were acknowledged now.
    pub(crate) fn acknowledge(&self, device: usize, frames: impl ExactSizeIterator<Item = (Timestamp, Instant)>) {
        self.acknowledged.fetch_add(frames.len() as u64, Ordering::Relaxed);
        let now = Instant::now();
        let (mut latencies, mut book) = (lock(&self.latencies), lock(&self.books[device]));
        for (at, sent) in frames {
            latencies.saturating_record(now.duration_since(sent).as_micros() as u64);
            book.push(at);
        }
    }
}

async fn all(
    plan: Plan,
    shared: Arc<Shared>,
    connected: mpsc::Sender<Thread>,
    mut going: watch::Receiver<bool>,
) -> anyhow::Result<Told> {
    let id = Thread::current()?;
    let clock = Clock::system();
    let mut senders = Vec::new();
    for number in 0..plan.devices.len() {
        senders.push(Sender::connect(&plan, number, &shared, &clock).await?);
    }
    connected.send(id.clone())?;
    going.wait_for(|go| *go).await?;

    let (begin, cpu, start) = (Instant::now(), id.cpu_seconds(), clock.now());
    let mut tasks = tokio::task::JoinSet::new();
    for sender in senders {
        tasks.spawn_local(sender.run(start));
    }
    let done = async {
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        anyhow::Ok(())
    };
    tokio::select! {
        done = done => done?,
        () = impatience(&shared) => bail!("frames are not acknowledged {} s after the end", PATIENCE.as_secs()),
    }
    let latencies = Latencies(lock(&shared.latencies).clone());
    Ok(Told {
        acknowledged: shared.acknowledged.load(Ordering::Relaxed),
        seconds: begin.elapsed().as_secs_f64(),
        cpu_seconds: id.cpu_seconds() - cpu,
        latencies,
        books: shared.books.iter().map(|book| std::mem::take(&mut *lock(book))).collect(),
    })
}

async fn impatience(shared: &Shared) {
    while !shared.stopping() {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    tokio::time::sleep(PATIENCE).await;
}
