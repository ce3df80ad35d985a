//! Heads of the chain, kept where nobody who changes the database can change them too.

use std::collections::VecDeque;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store::{Pool, Transaction};
use vitals::Clock;

use super::links::AS_AUDIT;
use super::sealer::Sealer;
use super::signer::{Head, Signer};
use super::store::add_head;

pub(crate) const EVERY: Duration = Duration::from_secs(60);

/// Heads that wait for the outside sink: a day of it being away. The oldest go first, since a later one covers them.
const UNSENT: usize = 1_440;

/// In the folder of the audit.
const FILE: &str = "heads.jsonl";

/// Signs how far the chain has come, and tells it to the database, to a file here and to one outside.
pub(crate) struct Heads {
    pool: Pool,
    clock: Clock,
    sealer: Arc<Sealer>,
    signer: Signer,
    file: PathBuf,
    sink: Option<PathBuf>,
    unsent: VecDeque<Head>,
    /// Of the last head of this process.
    signed: i64,
}

impl Heads {
    pub(crate) fn new(
        pool: Pool,
        clock: Clock,
        sealer: Arc<Sealer>,
        signer: Signer,
        folder: &Path,
        sink: Option<PathBuf>,
    ) -> Self {
        let file = folder.join(FILE);
        Self { pool, clock, sealer, signer, file, sink, unsent: VecDeque::new(), signed: 0 }
    }

    /// Signs where the chain ends, if it has grown, and sends on what waits for the sink.
    pub(crate) async fn sign(&mut self) -> Result<(), super::Error> {
        if let Some(place) = self.sealer.place().await.filter(|place| place.seq > self.signed) {
            let head = self.signer.sign(place, self.clock.now());
            append(&self.file, std::slice::from_ref(&head)).await.map_err(super::Error::Heads)?;
            self.signed = place.seq;
            if self.sink.is_some() {
                if self.unsent.len() == UNSENT {
                    self.unsent.pop_front();
                }
                self.unsent.push_back(head.clone());
            }
            // Last: a head that is in the file alone is a head.
            let tx = Transaction::read_write(&self.pool, AS_AUDIT).await?;
            add_head(tx.db(), &head).await?;
            tx.commit().await?;
        }
        self.send().await
    }

    async fn send(&mut self) -> Result<(), super::Error> {
        let Some(sink) = self.sink.as_ref().filter(|_| !self.unsent.is_empty()) else { return Ok(()) };
        let sent = append(sink, self.unsent.make_contiguous()).await;
        if sent.is_ok() {
            self.unsent.clear();
        }
        metrics::gauge!("vigil_audit_heads_unsent").set(self.unsent.len() as f64);
        sent.map_err(super::Error::Sink)
    }
}

/// Ends once the lines are on the disk.
async fn append(file: &Path, heads: &[Head]) -> io::Result<()> {
    let mut lines = Vec::new();
    for head in heads {
        serde_json::to_writer(&mut lines, head)?;
        lines.push(b'\n');
    }
    let file = file.to_owned();
    let written = tokio::task::spawn_blocking(move || {
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(file)?;
        file.write_all(&lines)?;
        file.sync_all()
    });
    written.await?
}

/// The heads that such a file holds, and how many of its lines are none.
pub(crate) fn read(file: &Path) -> io::Result<(Vec<Head>, usize)> {
    let text = fs::read_to_string(file)?;
    let lines = text.lines().filter(|line| !line.is_empty());
    let (heads, others): (Vec<_>, Vec<_>) = lines.map(serde_json::from_str::<Head>).partition(Result::is_ok);
    Ok((heads.into_iter().flatten().collect(), others.len()))
}

pub(crate) fn file_in(folder: &Path) -> PathBuf {
    folder.join(FILE)
}
