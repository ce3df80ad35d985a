//! Devices that cross a limit and come back, devices whose numbers tell themselves apart, and the screen that watches
//! both: from PUBLISH to the screen, by one clock.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;
use tokio::task::JoinSet;
use vitals::{Clock, Parameter, What, wire};

use crate::dataset;
use crate::load::Latencies;
use crate::mqtt;
use crate::random::Random;
use crate::screen::{News, Place, Screen, Step};
use crate::server::Server;
use crate::site::Enrolled;

/// The limit that is crossed: below 80 %, without an onset delay (alerting/profiles/adult.toml).
const CODE: &str = "spo2_desat";
const CROSSED: f32 = 70.0;

/// Numbers by which frames are told apart: a parameter without limits, rising by this much.
const TELLING: Parameter = Parameter::Weight;
const STEP: f32 = 0.01;

/// What is not on the screen this long after the last frame is lost.
const PATIENCE: Duration = Duration::from_secs(10);

/// Pauses in milliseconds, chosen anew each time: probes do not fall into step with the server.
#[derive(Clone)]
pub(crate) struct Habit {
    /// How long the limit stays crossed, and how long not.
    pub(crate) crossed_ms: Range<u64>,
    pub(crate) calm_ms: Range<u64>,
    /// Between two frames of a device whose numbers are looked at.
    pub(crate) number_ms: Range<u64>,
}

pub(crate) struct Probes {
    book: Arc<Mutex<Book>>,
    stop: watch::Sender<bool>,
    devices: JoinSet<anyhow::Result<()>>,
    screen: JoinSet<anyhow::Result<()>>,
}

/// What is due on the screen, and what was there.
struct Book {
    due: HashMap<String, Due>,
    place: Option<Place>,
    seen: Seen,
}

#[derive(Default)]
struct Due {
    /// In the order of sending, in which they must come.
    alarms: VecDeque<(What, Instant)>,
    numbers: VecDeque<(f32, Instant)>,
}

pub(crate) struct Seen {
    raised: Histogram<u64>,
    cleared: Histogram<u64>,
    numbers: Histogram<u64>,
    /// Beginnings and ends of alarms that had to come.
    pub(crate) expected: u64,
    /// Of these, how many did not come.
    pub(crate) lost: u64,
    /// Came though nobody waited for them: a second time, say.
    pub(crate) doubled: u64,
    /// Places in the order of all transitions that the screen was not told of.
    pub(crate) gaps: u64,
    /// Transitions of other devices and rules.
    pub(crate) others: u64,
    pub(crate) numbers_lost: u64,
}

impl Probes {
    /// The devices must be known to the server; those of `alarms` cross the limit, those of `numbers` do not.
    pub(crate) async fn start(
        server: &Server,
        alarms: &[Enrolled],
        numbers: &[Enrolled],
        habit: &Habit,
    ) -> anyhow::Result<Self> {
        let names: Vec<_> = alarms.iter().chain(numbers).map(|device| device.name.clone()).collect();
        let due = names.iter().map(|name| (name.clone(), Due::default())).collect();
        let book = Arc::new(Mutex::new(Book { due, place: None, seen: Seen::new()? }));
        let (stop, _) = watch::channel(false);
        let mut screen = JoinSet::new();
        screen.spawn(watch_screen(Screen::open(server.portal, Some(&names), None).await?, book.clone()));
        let mut devices = JoinSet::new();
        for (number, device) in alarms.iter().chain(numbers).enumerate() {
            let probe = Probe::connect(server.mqtt, device.clone(), number, book.clone()).await?;
            let (habit, stop) = (habit.clone(), stop.subscribe());
            if number < alarms.len() {
                devices.spawn(probe.cross(habit, stop));
            } else {
                devices.spawn(probe.count(habit, stop));
            }
        }
        Ok(Self { book, stop, devices, screen })
    }

    /// An error once a device or the screen has ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        let ended = |ended: Option<Result<anyhow::Result<()>, tokio::task::JoinError>>| match ended {
            Some(ended) => ended?,
            None => Ok(()),
        };
        ended(self.devices.try_join_next())?;
        ended(self.screen.try_join_next())
    }

    /// Latencies count from here on.
    pub(crate) fn measure(&self) {
        let mut book = lock(&self.book);
        book.seen.raised.reset();
        book.seen.cleared.reset();
        book.seen.numbers.reset();
    }

    /// Beginnings and ends of alarms so far that came.
    pub(crate) fn came(&self) -> u64 {
        let book = lock(&self.book);
        book.seen.expected - book.due.values().map(|due| due.alarms.len() as u64).sum::<u64>()
    }

    /// Lets every device end as it began, and waits for what is still due.
    pub(crate) async fn finish(mut self) -> anyhow::Result<Seen> {
        self.stop.send_replace(true);
        while let Some(ended) = self.devices.join_next().await {
            ended??;
        }
        let begin = Instant::now();
        while begin.elapsed() < PATIENCE && lock(&self.book).due.values().any(Due::any) {
            self.check()?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        // What comes a second time comes after the first.
        tokio::time::sleep(Duration::from_secs(1)).await;
        self.check()?;
        let mut book = lock(&self.book);
        let (alarms, numbers) = book
            .due
            .values()
            .fold((0, 0), |(alarms, numbers), due| (alarms + due.alarms.len(), numbers + due.numbers.len()));
        let mut seen = std::mem::replace(&mut book.seen, Seen::new()?);
        seen.lost += alarms as u64;
        seen.numbers_lost += numbers as u64;
        Ok(seen)
    }
}

impl Seen {
    fn new() -> anyhow::Result<Self> {
        // Microseconds, to a minute.
        let histogram = || Histogram::new_with_bounds(1, 60_000_000, 3);
        Ok(Self {
            raised: histogram()?,
            cleared: histogram()?,
            numbers: histogram()?,
            expected: 0,
            lost: 0,
            doubled: 0,
            gaps: 0,
            others: 0,
            numbers_lost: 0,
        })
    }

    pub(crate) fn raised(&self) -> Latencies {
        Latencies(self.raised.clone())
    }

    pub(crate) fn cleared(&self) -> Latencies {
        Latencies(self.cleared.clone())
    }

    pub(crate) fn numbers(&self) -> Latencies {
        Latencies(self.numbers.clone())
    }
}

impl Due {
    fn any(&self) -> bool {
        !self.alarms.is_empty() || !self.numbers.is_empty()
    }
}

fn lock(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn watch_screen(mut screen: Screen, book: Arc<Mutex<Book>>) -> anyhow::Result<()> {
    loop {
        let (news, now) = screen.next().await?;
        lock(&book).note(news, now);
    }
}

impl Book {
    fn note(&mut self, news: News, now: Instant) {
        match news {
            News::Snapshot { place } => self.place = Some(place),
            News::Alarm(step) => self.step(step, now),
            News::Missed { alarms } => alarms.into_iter().for_each(|step| self.step(step, now)),
            News::Numbers { numbers } => {
                for latest in numbers {
                    let shown = latest.values.get(TELLING.key()).and_then(|number| number.value);
                    let (Some(shown), Some(due)) = (shown, self.due.get_mut(&latest.device)) else { continue };
                    // A newer number stands for those that were skipped.
                    while let Some((_, sent)) = due.numbers.pop_front_if(|(number, _)| *number <= shown) {
                        self.seen.numbers.saturating_record(now.duration_since(sent).as_micros() as u64);
                    }
                }
            }
            News::Other => {}
        }
    }

    fn step(&mut self, step: Step, now: Instant) {
        if let Some(Place { epoch, seq }) = self.place
            && step.place != (Place { epoch, seq: seq + 1 })
        {
            self.seen.gaps += 1;
        }
        self.place = Some(step.place);
        let device = step.alarm.device.filter(|_| step.alarm.code == CODE);
        let Some(due) = device.and_then(|device| self.due.get_mut(&device)) else {
            self.seen.others += 1;
            return;
        };
        let Some(place) = due.alarms.iter().position(|(what, _)| *what == step.what) else {
            self.seen.doubled += 1;
            return;
        };
        // Those before it did not come, and will not.
        self.seen.lost += place as u64;
        let Some((what, sent)) = due.alarms.drain(..=place).next_back() else { return };
        let histogram = if what == What::Raised { &mut self.seen.raised } else { &mut self.seen.cleared };
        histogram.saturating_record(now.duration_since(sent).as_micros() as u64);
    }
}

struct Probe {
    device: Enrolled,
    writer: OwnedWriteHalf,
    frames: usize,
    clock: Clock,
    random: Random,
    book: Arc<Mutex<Book>>,
    acks: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Probe {
    async fn connect(
        broker: SocketAddr,
        device: Enrolled,
        number: usize,
        book: Arc<Mutex<Book>>,
    ) -> anyhow::Result<Self> {
        let (reader, writer) = mqtt::open(broker, &device).await?.into_split();
        Ok(Self {
            device,
            writer,
            frames: 0,
            clock: Clock::system(),
            random: Random::new(number as u64),
            book,
            acks: tokio::spawn(take_acks(reader)),
        })
    }

    /// Crosses the limit and comes back, until stopped.
    async fn cross(mut self, habit: Habit, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        self.send(None, None).await?;
        while self.pause(&habit.calm_ms, &mut stop).await {
            self.send(Some(What::Raised), Some((Parameter::Spo2, CROSSED))).await?;
            tokio::time::sleep(self.random.ms(&habit.crossed_ms)).await;
            self.send(Some(What::Cleared), None).await?;
        }
        self.leave().await
    }

    /// Sends a number greater than the last, until stopped.
    async fn count(mut self, habit: Habit, mut stop: watch::Receiver<bool>) -> anyhow::Result<()> {
        while self.pause(&habit.number_ms, &mut stop).await {
            let number = 1.0 + self.frames as f32 * STEP;
            self.send(None, Some((TELLING, number))).await?;
        }
        self.leave().await
    }

    /// False once stopped.
    async fn pause(&mut self, range: &Range<u64>, stop: &mut watch::Receiver<bool>) -> bool {
        tokio::select! {
            () = tokio::time::sleep(self.random.ms(range)) => true,
            _ = stop.wait_for(|stop| *stop) => false,
        }
    }

    async fn send(&mut self, alarm: Option<What>, value: Option<(Parameter, f32)>) -> anyhow::Result<()> {
        let mut values = dataset::values(self.frames);
        if let Some((parameter, value)) = value {
            values.set(parameter, value);
        }
        let payload = wire::encode(Some(self.clock.now()), Some(self.frames as i64), false, &values, &[]);
        let mut packet = Vec::new();
        let identifier = mqtt::identifier(self.frames);
        mqtt::publish(&dataset::topic(&self.device.name), identifier, payload.as_bytes(), &mut packet);
        self.frames += 1;
        self.expect(alarm, value);
        self.writer.write_all(&packet).await?;
        Ok(())
    }

    fn expect(&self, alarm: Option<What>, value: Option<(Parameter, f32)>) {
        let mut book = lock(&self.book);
        let Book { due, seen, .. } = &mut *book;
        let Some(due) = due.get_mut(&self.device.name) else { return };
        let now = Instant::now();
        if let Some(what) = alarm {
            seen.expected += 1;
            due.alarms.push_back((what, now));
        }
        if let Some((TELLING, number)) = value {
            due.numbers.push_back((number, now));
        }
    }

    async fn leave(mut self) -> anyhow::Result<()> {
        self.writer.write_all(&mqtt::DISCONNECT).await?;
        self.acks.await?
    }
}

/// Until the server closes.
async fn take_acks(mut reader: OwnedReadHalf) -> anyhow::Result<()> {
    let mut buffer = [0; 64];
    while reader.read(&mut buffer).await? > 0 {}
    Ok(())
}
