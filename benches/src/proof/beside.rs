//! What goes on beside the load of a soak, so that what it costs in memory shows: screens that come and go, and devices
//! that do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use vitals::{Clock, wire};

use crate::dataset;
use crate::mqtt;
use crate::random::Random;
use crate::screen::{News, Place, Screen};
use crate::server::Server;
use crate::site::Enrolled;

/// Screens of so many beds; one more shows every device.
const WARDS: usize = 4;
const BEDS: usize = 50;

/// How long a screen stays, in ms, before it comes back and resumes.
const STAY_MS: std::ops::Range<u64> = 20_000..60_000;

/// Frames of a device between coming and going.
const FRAMES: usize = 3;
const AWAY_MS: std::ops::Range<u64> = 100..900;

#[derive(Default)]
struct Counts {
    screens: AtomicU64,
    messages: AtomicU64,
    visits: AtomicU64,
}

pub(super) struct Beside {
    tasks: JoinSet<anyhow::Result<()>>,
    counts: Arc<Counts>,
}

impl Beside {
    pub(super) fn start(server: &Server, beds: &[Enrolled], comers: &[Enrolled]) -> Self {
        let (mut tasks, counts) = (JoinSet::new(), Arc::new(Counts::default()));
        for number in 0..=WARDS {
            let ward = beds.chunks(BEDS).nth(number).filter(|_| number < WARDS);
            let names = ward.map(|ward| ward.iter().map(|bed| bed.name.clone()).collect());
            tasks.spawn(screen(server.portal, names, Random::new(number as u64), counts.clone()));
        }
        for (number, device) in comers.iter().enumerate() {
            tasks.spawn(comer(server.mqtt, device.clone(), Random::new(number as u64), counts.clone()));
        }
        Self { tasks, counts }
    }

    /// An error once one of them has ended.
    pub(super) fn check(&mut self) -> anyhow::Result<()> {
        match self.tasks.try_join_next() {
            Some(ended) => ended?,
            None => Ok(()),
        }
    }

    /// (screens opened, messages they took, devices that came)
    pub(super) fn counts(&self) -> [u64; 3] {
        let Counts { screens, messages, visits } = &*self.counts;
        [screens, messages, visits].map(|count| count.load(Ordering::Relaxed))
    }
}

/// Without names it shows every device, and looks into nothing.
async fn screen(
    portal: std::net::SocketAddr,
    names: Option<Vec<String>>,
    mut random: Random,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let mut place: Option<Place> = None;
    loop {
        let mut screen = Screen::open(portal, names.as_deref(), place).await?;
        counts.screens.fetch_add(1, Ordering::Relaxed);
        let until = Instant::now() + random.ms(&STAY_MS);
        loop {
            let next = async {
                Ok::<_, anyhow::Error>(match names {
                    None => screen.skim().await.map(|_| None)?,
                    Some(_) => Some(screen.next().await?.0),
                })
            };
            let Ok(news) = timeout_at(until, next).await else { break };
            counts.messages.fetch_add(1, Ordering::Relaxed);
            match news? {
                Some(News::Snapshot { place: now }) => place = Some(now),
                Some(News::Alarm(step)) => place = Some(step.place),
                _ => {}
            }
        }
    }
}

/// Comes, listens, sends, goes: now with a word, now without.
async fn comer(
    broker: std::net::SocketAddr,
    device: Enrolled,
    mut random: Random,
    counts: Arc<Counts>,
) -> anyhow::Result<()> {
    let (clock, topic) = (Clock::system(), dataset::topic(&device.name));
    for visit in 0_usize.. {
        let mut socket = mqtt::open(broker, &device).await.with_context(|| format!("connect {}", device.name))?;
        socket.write_all(&mqtt::subscribe_down(&device.name, 1)).await?;
        let mut suback = [0; 5];
        socket.read_exact(&mut suback).await?;
        ensure!(suback == [0x90, 3, 0, 1, 0], "subscribed with {suback:?}");
        for frame in 0..FRAMES {
            let payload = wire::encode(Some(clock.now()), None, false, &dataset::values(frame), &[]);
            let mut packet = Vec::new();
            mqtt::publish(&topic, mqtt::identifier(frame), payload.as_bytes(), &mut packet);
            socket.write_all(&packet).await?;
            let mut puback = [0; mqtt::ACK];
            socket.read_exact(&mut puback).await?;
            ensure!(puback == mqtt::puback(mqtt::identifier(frame)), "acknowledged with {puback:?}");
        }
        if visit.is_multiple_of(2) {
            socket.write_all(&mqtt::DISCONNECT).await?;
        }
        drop(socket);
        counts.visits.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(random.ms(&AWAY_MS)).await;
    }
    Ok(())
}
