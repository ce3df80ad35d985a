//! `bench portal`: what audit, row-level security and decryption cost whoever reads about a patient.

pub(crate) mod bare;
mod clients;
mod seed;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::ensure;
use serde_json::Value;
use store::Access;

use crate::machine::Machine;
use crate::report::{self, median};
use crate::server::{self, Process};
use crate::site::{self, Site};
use clients::{Browser, Habit, Told, Turns, read};
use seed::{DAYS, Guest, House, MONITORED, NURSES, PATIENTS};

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Half a minute.
    #[arg(long)]
    quick: bool,
    /// Write the table to this file as well.
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
    #[arg(long)]
    rounds: Option<usize>,
    /// Of each side in each round.
    #[arg(long)]
    seconds: Option<u64>,
    /// Only what is read so.
    #[arg(long, value_enum)]
    only: Option<Habit>,
}

/// What must hold (issue): a share, and ms.
const COST_MUST: f64 = 0.10;
const LAG_MUST_MS: f64 = 1_000.0;

/// Each read of another patient is an event. Below one, since the requests of the time that does not count are estimated.
const EVENTS_MUST: f64 = 0.8;

/// How often it is looked for the oldest event that is in no chain yet.
const LOOK_EVERY: Duration = Duration::from_millis(200);

const OLDEST: &str =
    "SELECT coalesce(1000 * extract(epoch FROM clock_timestamp() - min(e.at)), 0)::float8 FROM audit_events e
    WHERE e.at > clock_timestamp() - interval '5 s' AND NOT EXISTS (SELECT FROM audit_links l WHERE l.event_id = e.id)";

/// Both sides, one after the other.
struct Round {
    all_on: Told,
    all_off: Told,
    /// Written a request.
    events: f64,
}

struct Sides<'a> {
    site: &'a Site,
    house: House,
    all_on: server::Server,
    all_off: (Process, SocketAddr),
    turns: [Turns; 2],
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    site::run("bench-portal", async |site| all(arguments, site).await)
}

async fn all(arguments: &Arguments, site: &Site) -> anyhow::Result<()> {
    let (rounds, seconds) = if arguments.quick { (1, 2) } else { (9, 4) };
    let (rounds, seconds) = (arguments.rounds.unwrap_or(rounds), arguments.seconds.unwrap_or(seconds));
    let time = Duration::from_secs(seconds);
    let sides = Sides::open(site).await?;
    let mut text = String::new();
    writeln!(
        text,
        "# bench portal\n\n{}. PostgreSQL {}. Browsers, both portals and the database on the same machine.\n\
         {rounds} round(s) of {seconds} s a side, after 1 s that does not count: {NURSES} browsers, each a nurse of her own, over connections \
         that stay open; each side has {PATIENTS} patients, of {MONITORED} of whom pages, rounds and days are read; all keys are \
         in memory, and each nurse covers the unit. All on: `vigil`. All off: the same reads as a role that no policy binds, \
         frames from their table and minutes by the function that reads them without asking anybody, without transaction and \
         event, of rows as long that are not sealed. Both sign in, ask for the permission, use 16 connections at once and keep their \
         plans, but of what reads a hypertable itself (decision 0011): the functions of both sides, and the statement of all off \
         that reads frames, over connections of its own. `vitals` has the chunks of {DAYS} days.\n",
        Machine::read(),
        site.version().await?
    )?;
    let (mut result, mut fewest) = (None, f64::INFINITY);
    for habit in Habit::ALL {
        if arguments.only.is_some_and(|only| only != habit) {
            continue;
        }
        let mut done = Vec::new();
        for number in 0..rounds {
            let round = sides.round(habit, time, number % 2 == 1).await?;
            eprintln!("{}, round {}: {round}", habit.word(), number + 1);
            done.push(round);
        }
        table(&mut text, habit, &done)?;
        let cost = median(done.iter().map(Round::cost).collect());
        if habit != Habit::Rounds {
            fewest = done.iter().map(|round| round.events).fold(fewest, f64::min);
        }
        let per_s = median(done.iter().map(|round| round.all_on.per_s()).collect());
        result.get_or_insert((cost, per_s));
    }
    let lag_ms = sides.lag(time.max(Duration::from_secs(4))).await?;
    writeln!(
        text,
        "The oldest event that was in no chain yet, looked for five times a second: {lag_ms:.0} ms at most."
    )?;
    let (cost, per_s) = result.unwrap_or((f64::NAN, f64::NAN));
    let result =
        format!("RESULT audit_cost_pct={:.1} requests_per_s={per_s:.0} sealed_lag_ms={lag_ms:.0}", 100.0 * cost);
    writeln!(text, "\n`{result}`")?;
    if let Some(file) = &arguments.save {
        report::save(file, &text)?;
    }
    println!("{text}\n{result}");
    ensure!(lag_ms < LAG_MUST_MS, "an event was in no chain after {lag_ms:.0} ms");
    ensure!(fewest > EVENTS_MUST, "reads were counted with others: {fewest:.2} events a request");
    let judged = arguments.only.is_none_or(|only| only == Habit::Page);
    ensure!(!judged || cost <= COST_MUST, "the cost is above {:.0} %", 100.0 * COST_MUST);
    Ok(())
}

impl<'a> Sides<'a> {
    async fn open(site: &'a Site) -> anyhow::Result<Self> {
        let passwords = site.cluster.passwords().unwrap_or_default();
        // Thousands of keys are made one by one, and nothing is lost with them.
        let place = format!("{} options='-c synchronous_commit=off'", site.cluster.place());
        let access = Access::new(&place, Some(passwords.clone()))?;
        let root_key = server::root_key(&site.folder)?;
        let keyring = bare::keyring(&access, bare::root_key(&root_key)?).await?;
        let house = House::build(site, &keyring).await?;
        let path = |path: PathBuf| path.display().to_string();
        let reach = [
            ("place", site.cluster.place()),
            ("passwords", path(passwords)),
            ("root-key", path(root_key)),
            ("folder", path(site.folder.join("bare"))),
        ];
        let all_off = bare::start(&reach, &site.cluster.superuser_url())?;
        let sides = Self { site, house, all_on: site.start()?, all_off, turns: [Turns::new(), Turns::new()] };
        sides.show_the_same().await?;
        Ok(sides)
    }

    /// Of patients who are alike both sides show the same.
    async fn show_the_same(&self) -> anyhow::Result<()> {
        let on = self.shown(self.all_on.portal, &self.house.sealed[0]).await?;
        let off = self.shown(self.all_off.1, &self.house.open[0]).await?;
        ensure!(on.len() == off.len(), "{} answers and {}", on.len(), off.len());
        for ((habit, on), (_, off)) in on.iter().zip(&off) {
            ensure!(on == off, "{}: all on shows {on}, all off {off}", habit.word());
        }
        Ok(())
    }

    /// Who the first patient is but for the id, opened, and each chart, with all of its points: an empty one would cost as little on
    /// either side.
    async fn shown(&self, portal: SocketAddr, guest: &Guest) -> anyhow::Result<Vec<(Habit, Value)>> {
        let mut browser = Browser::connect(portal, &self.house.cookies[0]).await?;
        let mut shown = Vec::new();
        for (habit, points) in [(Habit::Page, 720), (Habit::Day, 1_440), (Habit::Hour, 60)] {
            for path in habit.paths(guest, self.house.end, 0) {
                browser.get(&path).await?;
                let mut answer = browser.object()?;
                if let Some(means) = answer["series"][0]["mean"].as_array() {
                    let full = means.iter().filter(|mean| mean.is_number()).count();
                    ensure!(full == points, "{}: {full} points of {points}", habit.word());
                    shown.push((habit, answer["series"].take()));
                } else {
                    let family = &answer["official"]["family"];
                    ensure!(*family == seed::family(1), "{path} shows the family name {family}");
                    answer["id"].take();
                    shown.push((habit, answer));
                }
            }
        }
        Ok(shown)
    }

    async fn round(&self, habit: Habit, time: Duration, off_first: bool) -> anyhow::Result<Round> {
        let mut all_off = None;
        if off_first {
            all_off = Some(self.off(habit, time).await?);
        }
        let before = self.count("audit_events").await?;
        let begun = std::time::Instant::now();
        let all_on = self.on(habit, time).await?;
        // What did not count was as busy.
        let asked = all_on.per_s() * begun.elapsed().as_secs_f64();
        self.sealed().await?;
        let events = (self.count("audit_events").await? - before) as f64 / asked;
        let all_off = match all_off {
            Some(all_off) => all_off,
            None => self.off(habit, time).await?,
        };
        Ok(Round { all_on, all_off, events })
    }

    async fn on(&self, habit: Habit, time: Duration) -> anyhow::Result<Told> {
        let portal = (self.all_on.portal, self.all_on.pid(), self.site.postmaster);
        read(portal, &self.house, (&self.house.sealed, &self.turns[0]), habit, time).await
    }

    async fn off(&self, habit: Habit, time: Duration) -> anyhow::Result<Told> {
        let portal = (self.all_off.1, self.all_off.0.pid(), self.site.postmaster);
        read(portal, &self.house, (&self.house.open, &self.turns[1]), habit, time).await
    }

    /// Waits until every event is in a chain, so that the other side does not pay for it.
    async fn sealed(&self) -> anyhow::Result<()> {
        while self.count("audit_events").await? != self.count("audit_links").await? {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    async fn count(&self, table: &str) -> anyhow::Result<i64> {
        Ok(self.site.client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await?.get(0))
    }

    /// How old an event was at most that was in no chain yet, in ms, while pages were read. Not measured beside it: looking
    /// takes a part of the machine.
    async fn lag(&self, time: Duration) -> anyhow::Result<f64> {
        let reading = self.on(Habit::Page, time);
        tokio::pin!(reading);
        let mut most = 0.0_f64;
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                read = &mut reading => { read?; return Ok(most) }
                _ = look.tick() => most = most.max(self.site.client.query_one(OLDEST, &[]).await?.get(0)),
            }
        }
    }
}

impl Told {
    fn per_s(&self) -> f64 {
        self.requests as f64 / self.seconds
    }
}

impl Round {
    fn cost(&self) -> f64 {
        1.0 - self.all_on.per_s() / self.all_off.per_s()
    }
}

impl std::fmt::Display for Round {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (on, off, cost) = (self.all_on.per_s(), self.all_off.per_s(), 100.0 * self.cost());
        let (busy_on, busy_off) = (self.all_on.busy, self.all_off.busy);
        write!(
            f,
            "on {on:.0}/s, off {off:.0}/s, cost {cost:.1} %, {:.2} events a request, busy {busy_on:.2?} against {busy_off:.2?}",
            self.events
        )
    }
}

fn table(text: &mut String, habit: Habit, done: &[Round]) -> std::fmt::Result {
    writeln!(text, "## {}: {}\n\n| what | median | all rounds |\n|---|---|---|", habit.word(), habit.told())?;
    let mut line = |name: &str, digits: usize, value: &dyn Fn(&Round) -> f64| {
        let all: Vec<_> = done.iter().map(value).collect();
        let rounds: Vec<_> = all.iter().map(|value| format!("{value:.digits$}")).collect();
        writeln!(text, "| {name} | {:.digits$} | {} |", median(all), rounds.join(", "))
    };
    line("all on, requests/s", 0, &|round| round.all_on.per_s())?;
    line("all off, requests/s", 0, &|round| round.all_off.per_s())?;
    line("cost, %", 1, &|round| 100.0 * round.cost())?;
    line("events written a request", 2, &|round| round.events)?;
    line("on: p50 ms", 1, &|round| round.all_on.latencies.ms(0.5))?;
    line("on: p99 ms", 1, &|round| round.all_on.latencies.ms(0.99))?;
    line("off: p50 ms", 1, &|round| round.all_off.latencies.ms(0.5))?;
    line("off: p99 ms", 1, &|round| round.all_off.latencies.ms(0.99))?;
    for (index, name) in ["portal", "database", "browsers"].into_iter().enumerate() {
        let busy = |told: &Told| 1e6 * told.busy[index] / told.per_s();
        line(&format!("on: CPU µs a request, {name}"), 0, &|round| busy(&round.all_on))?;
        line(&format!("off: CPU µs a request, {name}"), 0, &|round| busy(&round.all_off))?;
    }
    writeln!(text)
}
