//! Heads of the chain, kept where nobody who changes the database can change them too.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::{Pool, Transaction};
use vitals::{Clock, Timestamp};

use super::chain::Place;
use super::links::{self, AS_AUDIT};
use super::sealer::Sealer;
use super::signer::{Head, PublicKey, Signer};
use super::sink::Sink;
use super::store::{add_head, newest_heads};

pub(crate) const EVERY: Duration = Duration::from_secs(60);

/// Heads that wait for the database or the sink: a day of it being away. The oldest go first: a later one covers them.
pub(crate) const UNSENT: usize = 1_440;

/// In the folder of the audit.
const FILE: &str = "heads.jsonl";

/// Bytes at the end of the file in which its last head is looked for: two hundred heads.
const TAIL: u64 = 64 << 10;

/// Signs how far the chain has come, and tells it to a file here, to one outside and to the database.
pub(crate) struct Heads {
    pool: Pool,
    clock: Clock,
    sealer: Arc<Sealer>,
    signer: Signer,
    file: PathBuf,
    sink: Option<Sink>,
    /// In the file, and not yet in the database.
    unstored: VecDeque<Head>,
    /// The newest one that this machine's file has of the processes before.
    last: Option<Head>,
    /// Of the last head of this process.
    signed: i64,
}

impl Heads {
    pub(crate) fn open(
        pool: Pool,
        clock: Clock,
        sealer: Arc<Sealer>,
        signer: Signer,
        folder: &Path,
        sink: Option<PathBuf>,
    ) -> io::Result<Self> {
        let file = folder.join(FILE);
        let last = last_in(&file, &signer.public_key())?;
        // Its process may have ended before the database had it.
        let unstored = last.iter().cloned().collect();
        Ok(Self { pool, clock, sealer, signer, file, sink: sink.map(Sink::new), unstored, last, signed: 0 })
    }

    /// Whether nothing of this process is signed yet, though there is something: until then a crash leaves no bound.
    pub(crate) async fn owe_the_first(&self) -> bool {
        self.signed == 0 && self.sealer.place().await.is_some()
    }

    /// Signs where the chain ends, if it has grown, and the ends that nobody else signed.
    pub(crate) async fn sign(&mut self) -> Result<(), super::Error> {
        self.sign_own().await?;
        let stored = match self.store().await {
            Ok(()) => self.sign_others().await,
            error => error,
        };
        let sent = self.send().await;
        stored.and(sent)
    }

    /// The same for a command, which looks after itself.
    pub(crate) async fn sign_once(&mut self) -> Result<(), super::Error> {
        self.sign_own().await?;
        let stored = self.store().await;
        let sent = self.send().await;
        stored.and(sent)
    }

    async fn sign_own(&mut self) -> Result<(), super::Error> {
        if let Some(place) = self.sealer.place().await.filter(|place| place.seq > self.signed) {
            self.keep(place).await?;
            self.signed = place.seq;
        }
        Ok(())
    }

    /// What a command or a crash left is pointed at from now on: it cannot go unnoticed any more.
    async fn sign_others(&mut self) -> Result<(), super::Error> {
        let tx = Transaction::read_only(&self.pool, AS_AUDIT).await?;
        let ends = links::unsigned(tx.db(), self.sealer.stream()).await?;
        tx.rollback().await?;
        for place in ends {
            self.keep(place).await?;
        }
        self.store().await
    }

    /// First in the file: a head that is there alone is a head.
    async fn keep(&mut self, place: Place) -> Result<(), super::Error> {
        let head = self.signer.sign(place, self.clock.now());
        let (file, line) = (self.file.clone(), lines([&head]).map_err(super::Error::Heads)?);
        let appended = tokio::task::spawn_blocking(move || append_whole(&file, &line)).await;
        appended.map_err(io::Error::from).flatten().map_err(super::Error::Heads)?;
        if let Some(sink) = &mut self.sink {
            sink.owe(head.clone());
        }
        if self.unstored.len() == UNSENT {
            self.unstored.pop_front();
        }
        self.unstored.push_back(head);
        Ok(())
    }

    async fn store(&mut self) -> Result<(), super::Error> {
        while let Some(head) = self.unstored.front() {
            let tx = Transaction::read_write(&self.pool, AS_AUDIT).await?;
            match add_head(tx.db(), head).await {
                Ok(()) => tx.commit().await?,
                // Its link is gone, which `verify` says.
                Err(error) if error.blames_row() => {
                    tracing::error!(error = &error as &dyn std::error::Error, "a head of the audit has no link");
                }
                Err(error) => return Err(error.into()),
            }
            self.unstored.pop_front();
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), super::Error> {
        match &mut self.sink {
            Some(sink) => sink.send().await.map_err(super::Error::Sink),
            None => Ok(()),
        }
    }

    /// When the processes before this one last signed, by this machine's file or by the database; no head is believed that
    /// the key did not sign.
    pub(crate) async fn last_before_us(&self) -> Result<Option<Timestamp>, super::Error> {
        let (until, key) = (self.sealer.opened_at(), self.signer.public_key());
        let tx = Transaction::read_only(&self.pool, AS_AUDIT).await?;
        let stored = newest_heads(tx.db(), until).await?;
        tx.rollback().await?;
        let heads = stored.iter().filter(|head| key.signed(head)).chain(&self.last);
        Ok(heads.map(|head| head.at).filter(|at| *at <= until).max())
    }
}

pub(crate) fn lines<'a>(heads: impl IntoIterator<Item = &'a Head>) -> io::Result<Vec<u8>> {
    let mut lines = Vec::new();
    for head in heads {
        serde_json::to_writer(&mut lines, head)?;
        lines.push(b'\n');
    }
    Ok(lines)
}

/// Ends once the lines are on the disk. What fails leaves none of them.
fn append_whole(file: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
    let before = file.metadata()?.len();
    if let Err(error) = file.write_all(lines).and_then(|()| file.sync_all()) {
        file.set_len(before)?;
        return Err(error);
    }
    Ok(())
}

/// The last head that the key signed. A line that a crash cut is cut off: its head was never answered for.
pub(super) fn last_in(path: &Path, key: &PublicKey) -> io::Result<Option<Head>> {
    let mut file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let tail = tail(&mut file)?;
    let whole = tail.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    if whole < tail.len() {
        file.set_len(file.metadata()?.len() - (tail.len() - whole) as u64)?;
        file.sync_all()?;
    }
    let lines = tail[..whole].split(|byte| *byte == b'\n').rev();
    Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).find(|head| key.signed(head)))
}

fn tail(file: &mut File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The heads that such a file holds, and how many of its lines are none. The beginning of a line that comes whole later is
/// what a sink kept of a write that failed.
pub(crate) fn read(file: &Path) -> io::Result<(Vec<Head>, usize)> {
    let text = fs::read_to_string(file)?;
    let (mut heads, mut others) = (Vec::new(), Vec::new());
    for line in text.lines().filter(|line| !line.is_empty()) {
        match serde_json::from_str::<Head>(line) {
            Ok(head) => heads.push(head),
            Err(_) => others.push(line),
        }
    }
    others.retain(|other| !text.lines().any(|line| line.len() > other.len() && line.starts_with(other)));
    Ok((heads, others.len()))
}

pub(crate) fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
