use std::sync::Arc;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use keys::Keyring;
use parking_lot::Mutex;
use store::telemetry::{Batch, Conflict, Connection};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use vitals::{Clock, Device, DeviceKey, Quarantined, Timestamp};

use super::Queue;
use super::assemble::{Watermarks, classify};
use super::parts::Part;
use crate::Outlets;
use crate::pipeline::{conflicts, seal};

/// Frames of one transaction at the most: beyond 10,000 a batch gains nothing and its messages only wait longer.
const MAX_ROWS: usize = 10_000;

/// How far back a device's newest stored moment is looked for; anything older is merged. Bounds the chunks opened.
const LOOK_BACK_MS: i64 = 86_400_000;

/// A database that takes longer than this for one batch is away, even if it still holds the connection: so that it is
/// told, and a new connection is tried. The old transaction may yet commit; the merge finds its rows. Longer than the
/// statement timeout of the connection, so that the database itself lets go of what was given up.
const ATTEMPT: Duration = Duration::from_secs(15);

/// Waits between attempts while the database is away: soon at first, since most absences are restarts.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What the roll-up and the writers share.
#[derive(Default)]
pub(crate) struct Shared {
    marks: Mutex<Marks>,
    /// Held while a transaction runs.
    turn: tokio::sync::Mutex<()>,
}

/// Which minutes need no mark, because one is committed that the roll-up cannot have taken.
#[derive(Default)]
struct Marks {
    /// The roll-up may take marks of minutes before this at any time: for them every transaction brings its own.
    closed: Timestamp,
    open: AHashSet<(DeviceKey, Timestamp)>,
}

impl Shared {
    /// From now on frames of minutes before `bound` are marked anew. Waits for the transaction in flight, so that
    /// whatever relied on an old mark is visible to a roll-up that starts afterwards.
    pub(crate) async fn forget_marks_before(&self, bound: Timestamp) {
        let _turn = self.turn.lock().await;
        let mut marks = self.marks.lock();
        marks.closed = marks.closed.max(bound);
        marks.open.retain(|(_, minute)| *minute >= bound);
    }
}

/// The writer was told to stop while the database is away: what it holds stays unacknowledged.
pub(crate) struct Stopped;

enum Answer {
    Durable,
    /// SQLSTATE class 22 or 23: some row is to blame.
    Blamed(String),
    /// It was not stored in `ATTEMPT`.
    TooMuch,
}

pub(crate) struct Writer {
    pub(crate) name: String,
    pub(crate) pool: store::Pool,
    pub(crate) clock: Clock,
    pub(crate) queue: Arc<Queue>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) outlets: Outlets,
    pub(crate) keyring: Keyring,
    /// No more submissions come: drain and end.
    pub(crate) stop: CancellationToken,
    /// Give up on a database that is away.
    pub(crate) give_up: CancellationToken,
}

impl Writer {
    pub(crate) async fn run(self) -> Result<(), Stopped> {
        let mut state =
            State { connection: None, watermarks: Watermarks::default(), devices: Known::default(), away: false };
        while let Some(submissions) = self.queue.take(MAX_ROWS, &self.stop).await {
            for submission in &submissions {
                state.devices.0.entry(submission.device.key).or_insert_with(|| submission.device.clone());
            }
            let frames: usize = submissions.iter().map(|submission| submission.frames.len()).sum();
            let (part, receipts) =
                Part::gather(submissions, &|device, what| state.devices.conflicts(&self.keyring, device, what));
            self.commit(part, &mut state).await?;
            metrics::counter!("vigil_frames_stored_total").increment(frames as u64);
            for receipt in receipts {
                receipt.ticket.commit();
            }
        }
        Ok(())
    }

    /// Returns once every item is durable, as a row or in quarantine.
    async fn commit(&self, whole: Part, state: &mut State) -> Result<(), Stopped> {
        let mut parts = vec![whole];
        while let Some(part) = parts.pop() {
            let answer = self.store(&part, state).await?;
            if let Answer::Durable = answer {
                continue;
            }
            match (part.halves(), answer) {
                // The first half goes first: order of arrival decides between equal keys.
                (Ok([first, second]), _) => parts.extend([second, first]),
                (Err(part), Answer::Blamed(sqlstate)) if part.quarantined.is_empty() => {
                    tracing::warn!(sqlstate, writer = self.name, "the database refuses a row");
                    parts.push(part.refused(&self.keyring, |device| state.devices.topic(device), &sqlstate));
                }
                (Err(_), Answer::Blamed(sqlstate)) => {
                    tracing::error!(sqlstate, "the database refuses an entry of the quarantine; it is lost");
                }
                (Err(part), _) => parts.push(part),
            }
        }
        Ok(())
    }

    /// Tries until the database answers.
    async fn store(&self, part: &Part, state: &mut State) -> Result<Answer, Stopped> {
        let mut wait = FIRST_WAIT;
        let mut merge_all = false;
        loop {
            let attempt = tokio::select! {
                attempt = timeout(ATTEMPT, self.attempt(part, state, merge_all)) => attempt,
                () = self.give_up.cancelled() => return Err(Stopped),
            };
            let error = match attempt {
                Ok(Ok(())) => {
                    self.report(state, false);
                    return Ok(Answer::Durable);
                }
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
            // Whether it was committed is unknown: what was believed of these devices is believed no longer.
            for frame in &part.frames {
                state.watermarks.remove(&frame.device);
            }
            match error {
                Some(error) if error.sqlstate() == Some("23505") && !merge_all => merge_all = true,
                Some(error) if error.blames_row() => {
                    return Ok(Answer::Blamed(error.sqlstate().unwrap_or_default().to_owned()));
                }
                Some(error) if error.retry() => {}
                away => {
                    state.connection = None;
                    let late = away.as_ref().is_none_or(store::Error::ran_out_of_time);
                    if !state.away {
                        let error = away.as_ref().map(|error| error as &dyn std::error::Error);
                        tracing::warn!(error, writer = self.name, "the database is away");
                    }
                    self.report(state, true);
                    if late {
                        // Perhaps the batch is too much for the time it has: it is tried in halves.
                        return Ok(Answer::TooMuch);
                    }
                    tokio::select! {
                        () = tokio::time::sleep(wait) => wait = (wait * 2).min(LONGEST_WAIT),
                        () = self.give_up.cancelled() => return Err(Stopped),
                    }
                }
            }
        }
    }

    fn report(&self, state: &mut State, away: bool) {
        if state.away != away {
            state.away = away;
            (self.outlets.database_away)(away, self.clock.now());
        }
    }

    async fn attempt(&self, part: &Part, state: &mut State, merge_all: bool) -> Result<(), store::Error> {
        let connection = match &mut state.connection {
            Some(connection) => connection,
            none => none.insert(Connection::open(&self.pool, &self.name).await?),
        };
        let devices = &state.devices;
        let _turn = self.shared.turn.lock().await;
        if !merge_all {
            look_up(connection, &part.frames, &mut state.watermarks, self.clock.now()).await?;
        }
        let (fresh, merge) = classify(&part.frames, &state.watermarks, merge_all);
        let dirty = self.new_marks(&part.frames);
        let batch = Batch {
            fresh: &fresh,
            merge: &merge,
            dirty: &dirty,
            others: &part.others,
            quarantined: &part.quarantined,
            statuses: &part.statuses,
            seal: &|entry| seal(&self.keyring, &entry.digest, &entry.payload),
            conflict: &|device, what| devices.conflicts(&self.keyring, device, what),
        };
        connection.store(&batch).await?;
        metrics::histogram!("vigil_batch_rows").record(part.frames.len() as f64);
        let mut marks = self.shared.marks.lock();
        let closed = marks.closed;
        marks.open.extend(dirty.into_iter().filter(|(_, minute)| *minute >= closed));
        drop(marks);
        for frame in fresh {
            let mark = state.watermarks.entry(frame.device).or_insert(frame.at);
            *mark = frame.at.max(*mark);
        }
        Ok(())
    }

    /// Minutes of these frames that have no mark yet. Frames are sorted, so equal pairs follow each other.
    fn new_marks(&self, frames: &[vitals::Frame]) -> Vec<(DeviceKey, Timestamp)> {
        let mut pairs: Vec<_> = frames.iter().map(|frame| (frame.device, frame.at.minute())).collect();
        pairs.dedup();
        let marks = self.shared.marks.lock();
        pairs.retain(|pair| !marks.open.contains(pair));
        pairs
    }
}

struct State {
    connection: Option<Connection>,
    watermarks: Watermarks,
    devices: Known,
    away: bool,
}

/// Devices this writer has seen; bounded by the enrolled ones.
#[derive(Default)]
struct Known(AHashMap<DeviceKey, Arc<Device>>);

impl Known {
    fn topic(&self, device: DeviceKey) -> String {
        let name = self.0.get(&device).map_or_else(|| device.to_string(), |device| device.name.to_string());
        format!("vigil/v1/{name}/vitals")
    }

    fn conflicts(&self, keyring: &Keyring, device: DeviceKey, what: Conflict<'_>) -> Vec<Quarantined> {
        conflicts(keyring, device, &self.topic(device), what)
    }
}

/// Learns the newest stored moment of devices not known yet. A device without a row in the last day gets the start of
/// that day: what is older is merged.
async fn look_up(
    connection: &Connection,
    frames: &[vitals::Frame],
    watermarks: &mut Watermarks,
    now: Timestamp,
) -> Result<(), store::Error> {
    let mut unknown: Vec<_> =
        frames.iter().map(|frame| frame.device).filter(|key| !watermarks.contains_key(key)).collect();
    unknown.dedup();
    if unknown.is_empty() {
        return Ok(());
    }
    let floor = now.plus_millis(-LOOK_BACK_MS);
    let found: AHashMap<_, _> =
        store::frames::last_at(connection.client(), &unknown, floor).await?.into_iter().collect();
    watermarks.extend(unknown.into_iter().map(|key| (key, found.get(&key).copied().unwrap_or(floor))));
    Ok(())
}
